// Notary Project signatures by notation-go: signs and verifies in a registry, and seals and judges envelopes by the line.
//
//	notation sign   -key FILE -chain FILE [-media-type TYPE] [-expiry DURATION] [-metadata K=V]...
//	                [-timestamp-url URL -timestamp-root FILE] REFERENCE
//	notation verify -config FOLDER [-metadata K=V]... REFERENCE...
//	notation seal              one JSON request for each line of standard input, one JSON answer for each line out
//	notation judge -config FOLDER
//	notation policies          one trust policy document, base64 in a JSON string, for each line; accepted or not
//
// FOLDER is notation's own configuration: trustpolicy.json and truststore/x509. Registries speak plain HTTP.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	_ "github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	nx509 "github.com/notaryproject/notation-core-go/x509"
	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/notaryproject/tspclient-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
)

const longestLine = 64 << 20

func main() {
	if len(os.Args) < 2 {
		fail(errors.New("sign, verify, seal, judge or policies"))
	}
	commands := map[string]func([]string) error{
		"sign": sign, "verify": verify, "seal": seal, "judge": judge, "policies": policies,
	}
	command, known := commands[os.Args[1]]
	if !known {
		fail(fmt.Errorf("%q is none of sign, verify, seal, judge and policies", os.Args[1]))
	}
	if err := command(os.Args[2:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type pairs map[string]string

func (p pairs) String() string { return "" }

func (p pairs) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("%q is no K=V", text)
	}
	p[key] = value
	return nil
}

func open(reference string) (registry.Repository, error) {
	repository, err := remote.NewRepository(reference)
	if err != nil {
		return nil, err
	}
	repository.PlainHTTP = true
	return registry.NewRepository(repository), nil
}

func sign(arguments []string) error {
	flags := flag.NewFlagSet("sign", flag.ExitOnError)
	key := flags.String("key", "", "PEM private key")
	chain := flags.String("chain", "", "PEM certificates, leaf first")
	mediaType := flags.String("media-type", jws.MediaTypeEnvelope, "of the envelope")
	expiry := flags.Duration("expiry", 0, "from now on")
	timestampURL := flags.String("timestamp-url", "", "RFC 3161 authority")
	timestampRoot := flags.String("timestamp-root", "", "its root, PEM")
	metadata := pairs{}
	flags.Var(metadata, "metadata", "K=V, signed")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	reference := flags.Arg(0)
	repository, err := open(reference)
	if err != nil {
		return err
	}
	made, err := signer.NewGenericSignerFromFiles(*key, *chain)
	if err != nil {
		return err
	}
	options := notation.SignOptions{
		ArtifactReference: reference,
		UserMetadata:      metadata,
		SignerSignOptions: notation.SignerSignOptions{
			SignatureMediaType: *mediaType,
			ExpiryDuration:     *expiry,
			SigningAgent:       "judge",
		},
	}
	if *timestampURL != "" {
		options.Timestamper, err = tspclient.NewHTTPTimestamper(nil, *timestampURL)
		if err != nil {
			return err
		}
		options.TSARootCAs, err = pool(*timestampRoot)
		if err != nil {
			return err
		}
	}
	_, err = notation.Sign(context.Background(), made, repository, options)
	return err
}

func verify(arguments []string) error {
	flags := flag.NewFlagSet("verify", flag.ExitOnError)
	config := flags.String("config", "", "folder with trustpolicy.json and truststore")
	metadata := pairs{}
	flags.Var(metadata, "metadata", "K=V that must have been signed")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("which image?")
	}
	judging, err := newVerifier(*config)
	if err != nil {
		return err
	}
	for _, reference := range flags.Args() {
		repository, err := open(reference)
		if err != nil {
			return err
		}
		_, outcomes, err := notation.Verify(context.Background(), judging, repository, notation.VerifyOptions{
			ArtifactReference:    reference,
			MaxSignatureAttempts: 100,
			UserMetadata:         metadata,
		})
		if err != nil {
			return err
		}
		for _, outcome := range outcomes {
			fmt.Println(reference, outcome.VerificationLevel.Name)
		}
	}
	return nil
}

func newVerifier(config string) (notation.Verifier, error) {
	content, err := os.ReadFile(filepath.Join(config, "trustpolicy.json"))
	if err != nil {
		return nil, err
	}
	var document trustpolicy.Document
	if err := json.Unmarshal(content, &document); err != nil {
		return nil, err
	}
	return verifier.New(&document, truststore.NewX509TrustStore(dir.NewSysFS(config)), nil)
}

// eachLine answers every request of standard input.
func eachLine[Request any](answer func(Request) (any, error)) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), longestLine)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for lines.Scan() {
		var request Request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			return err
		}
		answered, err := answer(request)
		if err != nil {
			return err
		}
		encoded, err := json.Marshal(answered)
		if err != nil {
			return err
		}
		if _, err := output.Write(append(encoded, '\n')); err != nil {
			return err
		}
		if err := output.Flush(); err != nil {
			return err
		}
	}
	return lines.Err()
}

type attribute struct {
	Key      string `json:"key"`
	Value    any    `json:"value"`
	Critical bool   `json:"critical"`
}

type sealing struct {
	MediaType  string      `json:"mediaType"`
	Scheme     string      `json:"scheme"`
	Key        string      `json:"key"`
	Chain      string      `json:"chain"`
	Payload    []byte      `json:"payload"`
	SignedAt   time.Time   `json:"signedAt"`
	Expiry     time.Time   `json:"expiry"`
	Attributes []attribute `json:"attributes"`
}

func seal([]string) error {
	return eachLine(func(request sealing) (any, error) {
		certificates, err := nx509.ReadCertificateFile(request.Chain)
		if err != nil {
			return nil, err
		}
		key, err := nx509.ReadPrivateKeyFile(request.Key)
		if err != nil {
			return nil, err
		}
		local, err := signature.NewLocalSigner(certificates, key)
		if err != nil {
			return nil, err
		}
		envelope, err := signature.NewEnvelope(request.MediaType)
		if err != nil {
			return nil, err
		}
		var attributes []signature.Attribute
		for _, one := range request.Attributes {
			attributes = append(attributes, signature.Attribute{Key: one.Key, Value: one.Value, Critical: one.Critical})
		}
		sealed, err := envelope.Sign(&signature.SignRequest{
			Payload: signature.Payload{
				ContentType: "application/vnd.cncf.notary.payload.v1+json",
				Content:     request.Payload,
			},
			Signer:                   local,
			SigningTime:              request.SignedAt,
			Expiry:                   request.Expiry,
			ExtendedSignedAttributes: attributes,
			SigningAgent:             "judge",
			SigningScheme:            signature.SigningScheme(request.Scheme),
		})
		if err != nil {
			return map[string]string{"error": err.Error()}, nil
		}
		return map[string][]byte{"envelope": sealed}, nil
	})
}

type question struct {
	Reference string             `json:"reference"`
	MediaType string             `json:"mediaType"`
	Envelope  []byte             `json:"envelope"`
	Target    ocispec.Descriptor `json:"target"`
	Metadata  map[string]string  `json:"metadata"`
}

type verdict struct {
	Accepts bool     `json:"accepts"`
	Error   string   `json:"error,omitempty"`
	Logged  []string `json:"logged,omitempty"`
}

func judge(arguments []string) error {
	flags := flag.NewFlagSet("judge", flag.ExitOnError)
	config := flags.String("config", "", "folder with trustpolicy.json and truststore")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	judging, err := newVerifier(*config)
	if err != nil {
		return err
	}
	return eachLine(func(asked question) (any, error) {
		outcome, err := judging.Verify(context.Background(), asked.Target, asked.Envelope, notation.VerifierVerifyOptions{
			ArtifactReference:  asked.Reference,
			SignatureMediaType: asked.MediaType,
			UserMetadata:       asked.Metadata,
		})
		if err != nil {
			return verdict{Error: err.Error()}, nil
		}
		said := verdict{Accepts: true}
		for _, result := range outcome.VerificationResults {
			if result.Error != nil {
				said.Logged = append(said.Logged, string(result.Type))
			}
		}
		return said, nil
	})
}

func policies([]string) error {
	return eachLine(func(content []byte) (any, error) {
		var document trustpolicy.Document
		if err := json.Unmarshal(content, &document); err != nil {
			return verdict{Error: err.Error()}, nil
		}
		if err := document.Validate(); err != nil {
			return verdict{Error: err.Error()}, nil
		}
		return verdict{Accepts: true}, nil
	})
}
