//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/proxy"
)

// process is a node as the coordinator sees it.
type process struct {
	config config
	proxy  *proxy.Proxy
	heard  func(report) // violations and errors

	before, after rest // of the last incarnation

	fault sync.Mutex // held while a fault is done to the process itself

	mu        sync.Mutex
	cmd       *exec.Cmd
	in        io.WriteCloser
	reports   chan report // those that somebody waits for
	reading   chan struct{}
	unexpects bool // to die
}

// start starts the process, and waits until it is ready.
func (p *process) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self) //nolint:noctx // it ends with its input, or is killed
	cmd.Env = append(os.Environ(), nodeEnv+"=1")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = nodeAttr()
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("freshness: start a node: %w", err)
	}
	reports, reading := make(chan report, 16), make(chan struct{})
	p.mu.Lock()
	p.cmd, p.in, p.reports, p.reading = cmd, in, reports, reading
	p.unexpects = true
	p.mu.Unlock()
	go p.listen(out, reports, reading)
	if err := p.write(p.config); err != nil {
		return err
	}
	_, err = p.await(20*time.Second, func(r report) bool { return r.Ready })
	return err
}

// listen hears one incarnation of the process until it ends.
func (p *process) listen(out io.Reader, reports chan report, reading chan struct{}) {
	defer close(reading)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			continue // cut off by a kill
		}
		if r.Violation != nil || r.Error != "" {
			p.heard(r)
			continue
		}
		select {
		case reports <- r:
		default:
		}
	}
	p.mu.Lock()
	unexpected := p.unexpects && p.reports == reports
	p.mu.Unlock()
	if unexpected {
		p.heard(report{Error: fmt.Sprintf("node %d has died", p.config.Node)})
	}
}

var errSilent = errors.New("freshness: a node does not answer")

// await waits for a report.
func (p *process) await(within time.Duration, wanted func(report) bool) (report, error) {
	p.mu.Lock()
	reports, reading := p.reports, p.reading
	p.mu.Unlock()
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		select {
		case r := <-reports:
			if wanted(r) {
				return r, nil
			}
		case <-reading:
			return report{}, fmt.Errorf("%w: node %d has ended", errSilent, p.config.Node)
		case <-timer.C:
			return report{}, fmt.Errorf("%w: node %d within %v", errSilent, p.config.Node, within)
		}
	}
}

// write sends a line.
func (p *process) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = p.in.Write(append(line, '\n'))
	return err
}

// kill is SIGKILL.
func (p *process) kill() {
	p.mu.Lock()
	p.unexpects = false
	cmd, in, reading := p.cmd, p.in, p.reading
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	_ = in.Close()
	<-reading
	_ = cmd.Wait()
}

// reborn starts a killed process again, as another incarnation.
func (p *process) reborn() error {
	p.config.Incarnation++
	return p.start()
}

func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.cmd.Process.Signal(sig)
}
