// A TCP proxy that delays every byte by a fixed time in each direction, and counts HTTP/1 requests and connections.
// For each line on standard input it prints the counts since the line before as JSON.
//
//	latency TARGET-HOST:PORT DELAY     (DELAY one way: 10ms gives 20 ms a round trip; 0 only counts)
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
	"time"
)

const mark = " HTTP/1.1\r\n"

type counts struct {
	Requests    int `json:"requests"`
	Connections int `json:"connections"` // the most at the same time
}

type counter struct {
	mutex sync.Mutex
	now   counts
	open  int
}

func (c *counter) add(requests int) {
	c.mutex.Lock()
	c.now.Requests += requests
	c.mutex.Unlock()
}

func (c *counter) connection(change int) {
	c.mutex.Lock()
	c.open += change
	c.now.Connections = max(c.now.Connections, c.open)
	c.mutex.Unlock()
}

func (c *counter) take() counts {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	taken := c.now
	c.now = counts{Connections: c.open}
	return taken
}

type piece struct {
	due   time.Time
	bytes []byte
}

// carry copies from one side to the other; a reader and a writer, so that a delay never slows down throughput.
func carry(from, to *net.TCPConn, delay time.Duration, watch func([]byte)) {
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			buffer := make([]byte, 64*1024)
			count, err := from.Read(buffer)
			if count > 0 {
				watch(buffer[:count])
				pieces <- piece{time.Now().Add(delay), buffer[:count]}
			}
			if err != nil {
				return
			}
		}
	}()
	for next := range pieces {
		if delay > 0 {
			time.Sleep(time.Until(next.due))
		}
		if _, err := to.Write(next.bytes); err != nil {
			from.Close()
			break
		}
	}
	for range pieces {
	}
	_ = to.CloseWrite()
}

// requests gives a function that counts the request lines of one connection, also where reads cut them.
func requests(c *counter) func([]byte) {
	tail := []byte{}
	return func(read []byte) {
		text := append(tail, read...)
		c.add(bytes.Count(text, []byte(mark)))
		tail = bytes.Clone(text[max(0, len(text)-len(mark)+1):])
	}
}

func serve(client *net.TCPConn, target string, delay time.Duration, c *counter) {
	defer client.Close()
	dialled, err := net.Dial("tcp", target)
	if err != nil {
		log.Print(err)
		return
	}
	server := dialled.(*net.TCPConn)
	defer server.Close()
	c.connection(1)
	defer c.connection(-1)
	done := make(chan struct{})
	go func() {
		carry(server, client, delay, func([]byte) {})
		close(done)
	}()
	carry(client, server, delay, requests(c))
	<-done
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: latency TARGET-HOST:PORT DELAY")
	}
	delay, err := time.ParseDuration(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	c := &counter{}
	go func() {
		for {
			accepted, err := listener.Accept()
			if err != nil {
				log.Fatal(err)
			}
			go serve(accepted.(*net.TCPConn), os.Args[1], delay, c)
		}
	}()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		line, err := json.Marshal(c.take())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(line))
	}
}
