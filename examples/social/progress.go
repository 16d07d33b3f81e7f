package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// progress shows how far pre-warming has come: a bar that is drawn over itself on a terminal, elsewhere a line for each
// cache.
type progress struct {
	out   io.Writer
	bar   bool
	start time.Time
	drawn bool // and not ended: what comes next would be on the same line
}

func newProgress(out io.Writer) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, bar: ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb", start: time.Now()}
}

const barWidth = 30

func (p *progress) show(w service.Warming) {
	failed := ""
	if w.Failed > 0 {
		failed = fmt.Sprintf(", %d failed", w.Failed)
	}
	ended := w.Done == w.Keys
	if p.bar {
		filled := barWidth * w.Done / max(w.Keys, 1)
		_, _ = fmt.Fprintf(p.out, "\r\x1b[Kpre-warming %d/%d [%s%s] %s, %d of %d%s",
			w.Step, w.Steps, strings.Repeat("#", filled), strings.Repeat("-", barWidth-filled), w.Cache, w.Done, w.Keys, failed)
		if p.drawn = true; ended && w.Step == w.Steps {
			p.end()
		}
	} else if ended {
		_, _ = fmt.Fprintf(p.out, "pre-warmed %d/%d: %s, %d keys%s, after %.1fs\n",
			w.Step, w.Steps, w.Cache, w.Keys, failed, time.Since(p.start).Seconds())
	}
}

// end leaves the line of a bar, also of one that was cut off.
func (p *progress) end() {
	if p.drawn {
		_, _ = fmt.Fprintln(p.out)
	}
	p.drawn = false
}
