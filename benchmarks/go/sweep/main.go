// A sweep of an unchanged registry over go-containerregistry, in one process: lists the tags of each repository and
// resolves each tag with one HEAD. For each line on standard input it makes one sweep and prints a line of JSON.
//
//	sweep HOST:PORT WORKERS REPOSITORY...
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

type result struct {
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu"`
	Tags    int     `json:"tags"`
	Changed int     `json:"changed"`
}

type sweeper struct {
	puller       *remote.Puller
	repositories []name.Repository
	workers      int
	mutex        sync.Mutex
	seen         map[string]string
}

func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	seconds := func(value syscall.Timeval) float64 { return float64(value.Sec) + float64(value.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func (s *sweeper) repository(ctx context.Context, repository name.Repository) (int, int, error) {
	tags, err := s.puller.List(ctx, repository)
	if err != nil {
		return 0, 0, err
	}
	changed := 0
	for _, tag := range tags {
		reference := repository.Tag(tag)
		descriptor, err := s.puller.Head(ctx, reference)
		if err != nil {
			return 0, 0, err
		}
		key, digest := reference.String(), descriptor.Digest.String()
		s.mutex.Lock()
		if s.seen[key] != digest {
			s.seen[key] = digest
			changed++
		}
		s.mutex.Unlock()
	}
	return len(tags), changed, nil
}

func (s *sweeper) sweep(ctx context.Context) result {
	var group sync.WaitGroup
	var mutex sync.Mutex
	total := result{}
	work := make(chan name.Repository)
	begin, cpuBegin := time.Now(), cpu()
	for range s.workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for repository := range work {
				tags, changed, err := s.repository(ctx, repository)
				if err != nil {
					log.Fatal(err)
				}
				mutex.Lock()
				total.Tags += tags
				total.Changed += changed
				mutex.Unlock()
			}
		}()
	}
	for _, repository := range s.repositories {
		work <- repository
	}
	close(work)
	group.Wait()
	total.Seconds = time.Since(begin).Seconds()
	total.CPU = cpu() - cpuBegin
	return total
}

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: sweep HOST:PORT WORKERS REPOSITORY...")
	}
	workers, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxConnsPerHost = workers
	transport.MaxIdleConnsPerHost = workers
	puller, err := remote.NewPuller(
		remote.WithAuth(authn.Anonymous), remote.WithTransport(transport), remote.WithJobs(workers))
	if err != nil {
		log.Fatal(err)
	}
	s := &sweeper{puller: puller, workers: workers, seen: map[string]string{}}
	for _, path := range os.Args[3:] {
		repository, err := name.NewRepository(os.Args[1]+"/"+path, name.Insecure)
		if err != nil {
			log.Fatal(err)
		}
		s.repositories = append(s.repositories, repository)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		line, err := json.Marshal(s.sweep(context.Background()))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(line))
	}
}
