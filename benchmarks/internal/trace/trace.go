// Package trace reads recorded sequences of requests, and makes one where there are none.
package trace

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// Seed is that of Zipf.
	Seed = 1

	ending = ".u32le.gz"
)

// Trace is a sequence of keys, as they were asked for.
type Trace struct {
	Name     string
	Keys     []uint32
	Distinct int
}

// Zipf is a trace that is the same everywhere.
func Zipf(length int, keys uint64) Trace {
	z := rand.NewZipf(rand.New(rand.NewPCG(Seed, Seed)), 1.1, 10, keys-1)
	t := Trace{Name: "zipf", Keys: make([]uint32, length)}
	for i := range t.Keys {
		t.Keys[i] = uint32(z.Uint64())
	}
	t.Distinct = distinct(t.Keys)
	return t
}

// Read reads the recorded traces of a folder: files NAME.u32le.gz, one little-endian uint32 per request, gzip.
// Where the folder is not there, or empty, there are none.
func Read(dir string) ([]Trace, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+ending))
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	var all []Trace
	for _, file := range files {
		keys, err := readFile(file)
		if err != nil {
			return nil, fmt.Errorf("trace: %s: %w", file, err)
		}
		all = append(all, Trace{strings.TrimSuffix(filepath.Base(file), ending), keys, distinct(keys)})
	}
	return all, nil
}

func readFile(file string) ([]uint32, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 || len(data)%4 != 0 {
		return nil, errors.New("is not a sequence of 32-bit numbers")
	}
	keys := make([]uint32, len(data)/4)
	for i := range keys {
		keys[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return keys, nil
}

// First is the beginning of a trace.
func (t Trace) First(n int) Trace {
	if n >= len(t.Keys) {
		return t
	}
	return Trace{t.Name, t.Keys[:n], distinct(t.Keys[:n])}
}

func distinct(keys []uint32) int {
	sorted := slices.Clone(keys)
	slices.Sort(sorted)
	return len(slices.Compact(sorted))
}
