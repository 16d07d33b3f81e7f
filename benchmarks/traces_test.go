package benchmarks

import (
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const seed = 1

// trace is a sequence of keys, as they were asked for.
type trace struct {
	name     string
	keys     []uint32
	distinct int
}

// zipf is a trace that is the same everywhere.
func zipf(length int, keys uint64) trace {
	z := rand.NewZipf(rand.New(rand.NewPCG(seed, seed)), 1.1, 10, keys-1)
	t := trace{name: "zipf", keys: make([]uint32, length)}
	for i := range t.keys {
		t.keys[i] = uint32(z.Uint64())
	}
	t.distinct = distinct(t.keys)
	return t
}

// traceFiles are recorded traces: one little-endian uint32 per request, gzip. They are no part of the project.
func traceFiles() []string {
	files, _ := filepath.Glob(filepath.Join(cmp.Or(os.Getenv("FRESHET_TRACES"), "../../shared/traces"), "*.u32le.gz"))
	return files
}

func traceName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".u32le.gz") }

func traceNames() string {
	var names []string
	for _, f := range traceFiles() {
		names = append(names, traceName(f))
	}
	return cmp.Or(strings.Join(names, " "), "none recorded, zipf instead")
}

// traces returns the recorded traces, or a zipf sequence where there are none.
func traces() ([]trace, error) {
	var all []trace
	for _, file := range traceFiles() {
		keys, err := readTrace(file)
		if err != nil {
			return nil, err
		}
		all = append(all, trace{traceName(file), keys, distinct(keys)})
	}
	if all == nil {
		all = []trace{zipf(500_000, 50_000)}
	}
	return all, nil
}

func readTrace(file string) ([]uint32, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	keys := make([]uint32, len(b)/4)
	for i := range keys {
		keys[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return keys, nil
}

func distinct(keys []uint32) int {
	sorted := slices.Clone(keys)
	slices.Sort(sorted)
	return len(slices.Compact(sorted))
}
