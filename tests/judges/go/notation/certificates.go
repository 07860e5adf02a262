package main

import (
	"crypto/x509"

	nx509 "github.com/notaryproject/notation-core-go/x509"
)

// pool holds the certificates of a PEM file.
func pool(path string) (*x509.CertPool, error) {
	certificates, err := nx509.ReadCertificateFile(path)
	if err != nil {
		return nil, err
	}
	made := x509.NewCertPool()
	for _, certificate := range certificates {
		made.AddCert(certificate)
	}
	return made, nil
}
