package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// What may be asked on standard input, one JSON object a line; each is answered by one line on standard output.
//
//	{"do": "start", "name": "kube-apiserver"}                                       again, as it was
//	{"do": "start", "name": "operator", "program": "/bin/x", "args": ["run"], "env": ["A=b"]}   a further one
//	{"do": "controllers", "name": "statefulsets", "args": ["--controllers=statefulset-controller"]}
//	                                                       a further controller manager, with its own port
//	{"do": "kill" | "end" | "freeze" | "thaw", "name": "etcd"}                      KILL, TERM (both waited for), STOP, CONT
//
// The end of the input ends everything: whoever started this may die as it likes.
type request struct {
	Do      string   `json:"do"`
	Name    string   `json:"name"`
	Program string   `json:"program"` // one of this program's own, or a path; the name, when left out
	Args    []string `json:"args"`
	Env     []string `json:"env"`
}

type answer struct {
	Pid   int    `json:"pid,omitempty"`
	Error string `json:"error,omitempty"`
}

// The first line of standard output, as soon as pods can be created.
type ready struct {
	Server     string         `json:"server"`
	Kubeconfig string         `json:"kubeconfig"`
	Folder     string         `json:"folder"`
	Kubelets   int            `json:"kubelet_port"`
	Components map[string]int `json:"components"`
}

type further []string

func (f *further) String() string         { return strings.Join(*f, " ") }
func (f *further) Set(value string) error { *f = append(*f, value); return nil }

func up(args []string) error {
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	folder := flags.String("folder", "", "where everything is kept; made anew and removed at the end (default: a temporary one)")
	without := flags.String("without", "", "components that are not started, with commas between")
	var extra further
	flags.Var(&extra, "arg", "a further flag of a component: kube-apiserver=--v=2 (may be repeated)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// Children are told to die with the thread that started them.
	runtime.LockOSThread()

	place, err := emptyFolder(*folder)
	if err != nil {
		return err
	}
	defer os.RemoveAll(place)
	layout, err := newLayout(place)
	if err != nil {
		return err
	}
	if err := layout.writeCredentials(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Symlink(self, layout.file("kubectl")); err != nil {
		return err
	}
	// Read before anything is started: who started this may be gone already.
	requests, over := make(chan request), make(chan struct{})
	go listen(os.Stdin, requests, over)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)

	supervisor := newSupervisor(layout)
	defer supervisor.killAll()
	left := strings.Split(*without, ",")
	start := func(components []request) error {
		for _, component := range components {
			if contains(left, component.Name) {
				continue
			}
			for _, flag := range extra {
				if name, value, found := strings.Cut(flag, "="); found && name == component.Name {
					component.Args = append(component.Args, value)
				}
			}
			if _, err := supervisor.start(component); err != nil {
				return err
			}
		}
		return nil
	}
	if err := start(layout.servers()); err != nil {
		return err
	}
	client, err := layout.client()
	if err != nil {
		return err
	}
	serves, usable := soon(serverReady(client)), (<-chan error)(nil)
	out := json.NewEncoder(os.Stdout)
	for {
		select {
		case err := <-serves:
			if err == nil {
				err = start(layout.clients())
			}
			if err != nil {
				return err
			}
			serves, usable = nil, soon(podsAllowed(client, !contains(left, "kube-controller-manager")))
		case err := <-usable:
			usable = nil
			if err != nil {
				return err
			}
			if err := out.Encode(ready{layout.url(), layout.file("admin.kubeconfig"), place, layout.kubelets, supervisor.pids()}); err != nil {
				return err
			}
		case request := <-requests:
			if err := out.Encode(supervisor.do(request)); err != nil {
				return err
			}
		case gone := <-supervisor.gone:
			if err := supervisor.bury(gone); err != nil {
				return err
			}
		case <-over:
			return nil
		case <-signals:
			return nil
		}
	}
}

func contains(list []string, name string) bool {
	for _, known := range list {
		if known == name {
			return true
		}
	}
	return false
}

func emptyFolder(path string) (string, error) {
	if path == "" {
		return os.MkdirTemp("", "controlplane-")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty, and would be removed at the end", path)
	}
	return path, os.MkdirAll(path, 0o700)
}

func listen(input io.Reader, requests chan<- request, over chan<- struct{}) {
	defer close(over)
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			asked = request{Do: "nothing: " + err.Error()}
		}
		requests <- asked
	}
}
