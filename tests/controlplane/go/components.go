package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
)

// Everything that the command lines share.
type layout struct {
	folder                     string
	etcd, peers                int
	server, controllers, sched int
	kubelets                   int
}

func newLayout(folder string) (*layout, error) {
	made := &layout{folder: folder}
	for _, port := range []*int{&made.etcd, &made.peers, &made.server, &made.controllers, &made.sched, &made.kubelets} {
		free, err := freePort()
		if err != nil {
			return nil, err
		}
		*port = free
	}
	return made, nil
}

// Below the range from which the kernel takes the ports of outgoing connections, so that a port stays free until its
// server asks for it.
func freePort() (int, error) {
	for range 1000 {
		port := 20000 + rand.IntN(12000)
		if listener, err := net.Listen("tcp", loopback(port)); err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no free port between 20000 and 32000 on 127.0.0.1")
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func (l *layout) file(name string) string { return filepath.Join(l.folder, name) }

func (l *layout) url() string { return "https://" + loopback(l.server) }

// Certificates and kubeconfigs of everybody.
func (l *layout) writeCredentials() error {
	authority, err := newAuthority(l.folder)
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return authority.issueServer("server") },
		func() error { return authority.issueServer("kubelet") },
		func() error { return authority.issueClient("admin", "admin", "system:masters") },
		func() error { return authority.issueClient("controllers", "system:kube-controller-manager") },
		func() error { return authority.issueClient("scheduler", "system:kube-scheduler") },
		func() error { return authority.issueClient("kubelet-client", "kube-apiserver", "system:masters") },
		func() error { return authority.issueClient("proxy-client", "front-proxy-client") },
		func() error { return authority.issueSigningKey("tokens") },
		func() error { return authority.writeKubeconfig("admin", l.url()) },
		func() error { return authority.writeKubeconfig("controllers", l.url()) },
		func() error { return authority.writeKubeconfig("scheduler", l.url()) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// What everything else needs first. Nothing here outlives a test, so nothing waits for a disk.
func (l *layout) servers() []request {
	etcd, peers := "http://"+loopback(l.etcd), "http://"+loopback(l.peers)
	return []request{
		{Name: "etcd", Args: []string{
			"--data-dir=" + l.file("etcd"), "--name=test", "--log-level=error", "--unsafe-no-fsync",
			"--listen-client-urls=" + etcd, "--advertise-client-urls=" + etcd,
			"--listen-peer-urls=" + peers, "--initial-advertise-peer-urls=" + peers, "--initial-cluster=test=" + peers,
		}},
		{Name: "kube-apiserver", Args: []string{
			"--etcd-servers=" + etcd,
			"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", l.server),
			// Endpoints refuse loopback addresses.
			"--endpoint-reconciler-type=none",
			"--tls-cert-file=" + l.file("server.crt"), "--tls-private-key-file=" + l.file("server.key"),
			"--client-ca-file=" + l.file("ca.crt"),
			"--anonymous-auth=false", "--authorization-mode=RBAC", "--allow-privileged=true",
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file=" + l.file("tokens.pub"), "--service-account-signing-key-file=" + l.file("tokens.key"),
			"--service-cluster-ip-range=10.96.0.0/16",
			"--kubelet-certificate-authority=" + l.file("ca.crt"),
			"--kubelet-client-certificate=" + l.file("kubelet-client.crt"), "--kubelet-client-key=" + l.file("kubelet-client.key"),
			"--kubelet-preferred-address-types=InternalIP",
			"--requestheader-client-ca-file=" + l.file("ca.crt"), "--requestheader-allowed-names=front-proxy-client",
			"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=" + l.file("proxy-client.crt"), "--proxy-client-key-file=" + l.file("proxy-client.key"),
			"--shutdown-delay-duration=0s",
		}},
	}
}

// What gives up when it starts before the server has made its roles.
func (l *layout) clients() []request {
	return []request{
		l.controllerManager("kube-controller-manager", l.controllers),
		{Name: "kube-scheduler", Args: []string{
			"--kubeconfig=" + l.file("scheduler.kubeconfig"),
			"--authentication-kubeconfig=" + l.file("scheduler.kubeconfig"), "--authorization-kubeconfig=" + l.file("scheduler.kubeconfig"),
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", l.sched), "--leader-elect=false",
			// Never the bottleneck of what is measured.
			"--kube-api-qps=5000", "--kube-api-burst=5000",
		}},
		{Name: "front", Args: []string{
			"-listen", loopback(l.kubelets), "-kubeconfig", l.file("admin.kubeconfig"), "-client-ca", l.file("ca.crt"),
			"-certificate", l.file("kubelet.crt"), "-key", l.file("kubelet.key"),
		}},
	}
}

// A process of upstream's controllers, with a port of its own.
func (l *layout) controllerManager(name string, port int) request {
	kubeconfig := l.file("controllers.kubeconfig")
	return request{Name: name, Program: "kube-controller-manager", Args: []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--leader-elect=false",
		"--use-service-account-credentials=true", "--service-account-private-key-file=" + l.file("tokens.key"),
		"--root-ca-file=" + l.file("ca.crt"),
		"--cluster-signing-cert-file=" + l.file("ca.crt"), "--cluster-signing-key-file=" + l.file("ca.key"),
	}}
}
