package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"

	"github.com/gorilla/websocket"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// Where a node says that its agent listens, in plain HTTP.
const agentAnnotation = "stateward.dev/node-agent"

// The kubelet's port of every node. The API server speaks TLS and SPDY to kubelets; the nodes of these tests speak plain
// HTTP and WebSocket, and ask for the token of a Secret. All nodes give this port as theirs; which node is meant follows
// from the pod:
//
//	API server ──SPDY, client certificate──► front ──WebSocket, token──► the agent that node annotation names
type nodesFront struct {
	client *kubernetes.Clientset
}

func front(args []string) error {
	flags := flag.NewFlagSet("front", flag.ExitOnError)
	listen := flags.String("listen", "", "address")
	kubeconfig := flags.String("kubeconfig", "", "how the API is reached")
	clientCA := flags.String("client-ca", "", "who signs the API server's certificate")
	certificate := flags.String("certificate", "", "what is shown to the API server")
	key := flags.String("key", "", "and its key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = -1, -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	text, err := os.ReadFile(*clientCA)
	if err != nil {
		return err
	}
	trusted.AppendCertsFromPEM(text)
	server := http.Server{
		Addr:    *listen,
		Handler: &nodesFront{client},
		TLSConfig: &tls.Config{
			ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert,
			// An upgrade to SPDY needs HTTP/1.1.
			NextProtos: []string{"http/1.1"},
		},
	}
	return server.ListenAndServeTLS(*certificate, *key)
}

func (f *nodesFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	isOfContainer := len(parts) == 4 && (parts[0] == "attach" || parts[0] == "exec" || parts[0] == "containerLogs")
	isOfPod := len(parts) == 3 && parts[0] == "portForward"
	if !isOfContainer && !isOfPod {
		http.Error(w, "nodes serve attach, exec and logs of containers, and ports of pods", http.StatusNotFound)
		return
	}
	agent, err := f.agentOf(r.Context(), parts[1], parts[2])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if parts[0] == "containerLogs" {
		agent.passOn(w, r)
		return
	}
	if parts[0] == "portForward" {
		ports, err := portforward.NewV4Options(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		target := url.URL{Scheme: "ws", Host: agent.address, Path: r.URL.Path}
		portforward.ServePortForward(w, r, &forwarding{agent, target}, parts[2], "", ports, idleTimeout, creationTimeout,
			[]string{portforward.PortForwardV1Name})
		return
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	target := url.URL{Scheme: "ws", Host: agent.address, Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	executed := &execution{agent, target.String()}
	if parts[0] == "attach" {
		remotecommand.ServeAttach(w, r, executed, parts[2], "", parts[3], options, idleTimeout, creationTimeout,
			remotecommand.SupportedStreamingProtocols)
		return
	}
	remotecommand.ServeExec(w, r, executed, parts[2], "", parts[3], r.Form["command"], options,
		idleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
}

type agent struct {
	address, token string
}

func (f *nodesFront) agentOf(ctx context.Context, namespace, name string) (agent, error) {
	pod, err := f.client.CoreV1().Pods(namespace).Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return agent{}, err
	}
	node, err := f.client.CoreV1().Nodes().Get(ctx, pod.Spec.NodeName, meta.GetOptions{})
	if err != nil {
		return agent{}, err
	}
	address := node.Annotations[agentAnnotation]
	if address == "" {
		return agent{}, fmt.Errorf("node %s does not say where its agent listens (annotation %s)", node.Name, agentAnnotation)
	}
	secret, err := f.client.CoreV1().Secrets("kube-system").Get(ctx, "stateward-node-token", meta.GetOptions{})
	if err != nil {
		return agent{}, err
	}
	return agent{address, string(secret.Data["token"])}, nil
}

func (a agent) header() http.Header {
	return http.Header{"Authorization": {"Bearer " + a.token}}
}

func (a agent) dial(ctx context.Context, url, protocol string) (*websocket.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: []string{protocol}}
	socket, refused, err := dialer.DialContext(ctx, url, a.header())
	if err != nil && refused != nil {
		reason, _ := io.ReadAll(io.LimitReader(refused.Body, 4096))
		return nil, fmt.Errorf("the node answers %s: %s", refused.Status, reason)
	}
	return socket, err
}

// A plain request, answered as it comes.
func (a agent) passOn(w http.ResponseWriter, r *http.Request) {
	proxy := httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(onward *httputil.ProxyRequest) {
			onward.SetURL(&url.URL{Scheme: "http", Host: a.address})
			onward.Out.Header.Set("Authorization", "Bearer "+a.token)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	proxy.ServeHTTP(w, r)
}
