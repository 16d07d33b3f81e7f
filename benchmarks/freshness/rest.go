//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// rest is what a node occupies while nobody asks it for anything: what faults have leaked stays.
type rest struct {
	Goroutines int    `json:"goroutines"`
	Heap       uint64 `json:"heap_bytes"`
}

func atRest() rest {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return rest{runtime.NumGoroutine(), m.HeapAlloc}
}

// writeProfiles writes the profiles of the node's heap and goroutines.
func (n *node) writeProfiles() error {
	var errs []error
	for _, name := range []string{"heap", "goroutine"} {
		path := filepath.Join(n.config.Profiles, fmt.Sprintf("node%d.%s.pprof", n.config.Node, name))
		f, err := os.Create(path) //nolint:gosec // the folder is whoever's who runs this
		if err == nil {
			err = errors.Join(pprof.Lookup(name).WriteTo(f, 0), f.Close())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
