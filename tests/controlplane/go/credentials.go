package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// An authority and the files that it made in a folder: NAME.crt and NAME.key for every name.
type authority struct {
	folder      string
	certificate *x509.Certificate
	key         crypto.Signer
	serial      int64
}

func newAuthority(folder string) (*authority, error) {
	made := &authority{folder: folder}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "control plane of tests"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	return made, made.issue("ca", template)
}

// Whoever shows this certificate is the user; the groups are what RBAC knows it by.
func (a *authority) issueClient(file, user string, groups ...string) error {
	return a.issue(file, &x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

func (a *authority) issueServer(file string) error {
	return a.issue(file, &x509.Certificate{
		Subject:     pkix.Name{CommonName: file},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)},
		DNSNames:    []string{"localhost", "kubernetes.default.svc"},
	})
}

func (a *authority) issue(file string, template *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	a.serial++
	template.SerialNumber = big.NewInt(a.serial)
	template.NotBefore = time.Now().Add(-time.Minute)
	template.NotAfter = time.Now().Add(7 * 24 * time.Hour)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	if a.certificate == nil {
		if a.certificate, err = x509.ParseCertificate(signed); err != nil {
			return err
		}
		a.key = key
	}
	if err := a.write(file+".crt", "CERTIFICATE", signed); err != nil {
		return err
	}
	return a.writeKey(file, key)
}

// The key pair that signs the tokens of service accounts.
func (a *authority) issueSigningKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if err := a.write(file+".pub", "PUBLIC KEY", public); err != nil {
		return err
	}
	return a.writeKey(file, key)
}

func (a *authority) writeKey(file string, key *ecdsa.PrivateKey) error {
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return a.write(file+".key", "EC PRIVATE KEY", encoded)
}

func (a *authority) write(file, kind string, bytes []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
	return os.WriteFile(filepath.Join(a.folder, file), text, 0o600)
}

// A kubeconfig next to the certificates; it names them by their paths.
func (a *authority) writeKubeconfig(file, server string) error {
	path := func(name string) string { return filepath.Join(a.folder, name) }
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: test, user: {client-certificate: %q, client-key: %q}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
`, server, path("ca.crt"), path(file+".crt"), path(file+".key"))
	return os.WriteFile(path(file+".kubeconfig"), []byte(text), 0o600)
}
