package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// The processes by name. Only one goroutine uses it, on the thread that the children are bound to.
type supervisor struct {
	layout *layout
	known  map[string]*process
	gone   chan *process
}

type process struct {
	request request
	command *exec.Cmd
	ended   chan struct{}
	// Ended by wish: nobody is told.
	wished bool
}

func newSupervisor(layout *layout) *supervisor {
	return &supervisor{layout: layout, known: map[string]*process{}, gone: make(chan *process, 64)}
}

func (s *supervisor) do(asked request) answer {
	pid, err := s.act(asked)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Pid: pid}
}

func (s *supervisor) act(asked request) (int, error) {
	switch asked.Do {
	case "start":
		if asked.Program == "" {
			before, found := s.known[asked.Name]
			if !found {
				return 0, fmt.Errorf("%s was never started; say which program it is", asked.Name)
			}
			asked = before.request
		}
		return s.start(asked)
	case "controllers":
		port, err := freePort()
		if err != nil {
			return 0, err
		}
		component := s.layout.controllerManager(asked.Name, port)
		component.Args = append(component.Args, asked.Args...)
		return s.start(component)
	case "kill":
		return s.end(asked.Name, syscall.SIGKILL)
	case "end":
		return s.end(asked.Name, syscall.SIGTERM)
	case "freeze":
		return s.signal(asked.Name, syscall.SIGSTOP)
	case "thaw":
		return s.signal(asked.Name, syscall.SIGCONT)
	}
	return 0, fmt.Errorf("not understood: %q", asked.Do)
}

func (s *supervisor) start(asked request) (int, error) {
	if running, found := s.known[asked.Name]; found && running.isRunning() {
		return 0, fmt.Errorf("%s runs already", asked.Name)
	}
	program, args := asked.Program, asked.Args
	if program == "" {
		program = asked.Name
	}
	if !filepath.IsAbs(program) {
		self, err := os.Executable()
		if err != nil {
			return 0, err
		}
		program, args = self, append([]string{program}, args...)
	}
	log, err := os.OpenFile(s.layout.file(asked.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = log, log
	command.Env = append(append(os.Environ(), "KUBECONFIG="+s.layout.file("admin.kubeconfig")), asked.Env...)
	// In a group of its own, so that Ctrl-C reaches this process alone.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := command.Start(); err != nil {
		return 0, fmt.Errorf("%s does not start: %w", asked.Name, err)
	}
	started := &process{request: asked, command: command, ended: make(chan struct{})}
	s.known[asked.Name] = started
	go func() {
		_ = command.Wait()
		close(started.ended)
		s.gone <- started
	}()
	return command.Process.Pid, nil
}

func (s *supervisor) signal(name string, signal syscall.Signal) (int, error) {
	process, found := s.known[name]
	if !found || !process.isRunning() {
		return 0, fmt.Errorf("%s does not run", name)
	}
	return process.command.Process.Pid, process.command.Process.Signal(signal)
}

func (s *supervisor) end(name string, signal syscall.Signal) (int, error) {
	if process, found := s.known[name]; found {
		process.wished = true
	}
	pid, err := s.signal(name, signal)
	if err != nil {
		return 0, err
	}
	// A frozen one hears TERM only when it goes on.
	if signal == syscall.SIGTERM {
		_, _ = s.signal(name, syscall.SIGCONT)
	}
	<-s.known[name].ended
	return pid, nil
}

// A component that ends by itself is told on standard error. One of the control plane's own ends everything.
func (s *supervisor) bury(dead *process) error {
	if dead.wished {
		return nil
	}
	name := dead.request.Name
	message := fmt.Sprintf("%s ended by itself (%s); its log ends with:\n%s", name, dead.command.ProcessState, s.lastWords(name))
	for _, own := range append(s.layout.servers(), s.layout.clients()...) {
		if own.Name == name {
			return fmt.Errorf("%s", message)
		}
	}
	fmt.Fprintln(os.Stderr, message)
	return nil
}

func (s *supervisor) lastWords(name string) string {
	text, _ := os.ReadFile(s.layout.file(name + ".log"))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

func (s *supervisor) killAll() {
	for _, process := range s.known {
		process.wished = true
		_ = process.command.Process.Kill()
	}
	for _, process := range s.known {
		<-process.ended
	}
}

func (s *supervisor) pids() map[string]int {
	pids := map[string]int{}
	for name, process := range s.known {
		pids[name] = process.command.Process.Pid
	}
	return pids
}

func (p *process) isRunning() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}
