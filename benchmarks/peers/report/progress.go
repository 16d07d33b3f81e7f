package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress says what is being done.
type progress struct {
	out   io.Writer
	began time.Time
}

func (p progress) say(format string, args ...any) {
	fmt.Fprintf(p.out, "%5.0fs  %s\n", time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
}

// turn overwrites its line, on terminals only.
func (p progress) turn(lib string, round, rounds int) {
	if p.terminal() {
		fmt.Fprintf(p.out, "\r\033[K        round %d of %d: %s", round, rounds, lib)
	}
}

// done removes it.
func (p progress) done() {
	if p.terminal() {
		fmt.Fprint(p.out, "\r\033[K")
	}
}

func (p progress) terminal() bool {
	f, ok := p.out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
