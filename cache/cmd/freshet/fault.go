package main

import (
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// faults are what is wrong with a source, each with its place. An empty one is no error.
type faults struct {
	fset *token.FileSet
	list []fault
}

type fault struct {
	at   token.Position
	text string
}

func (f *faults) add(pos token.Pos, format string, args ...any) {
	f.list = append(f.list, fault{f.fset.Position(pos), fmt.Sprintf(format, args...)})
}

// err is nil if nothing is wrong.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return f
}

// Error is one line for each, in the order of the source.
func (f *faults) Error() string {
	list := slices.Clone(f.list)
	slices.SortStableFunc(list, func(a, b fault) int {
		if c := strings.Compare(a.at.Filename, b.at.Filename); c != 0 {
			return c
		}
		return a.at.Line - b.at.Line
	})
	lines := make([]string, len(list))
	for i, one := range list {
		lines[i] = fmt.Sprintf("%s:%d: %s", short(one.at.Filename), one.at.Line, one.text)
	}
	return strings.Join(lines, "\n")
}

// short is the file relative to the working folder, if it is in it.
func short(file string) string {
	wd, err := os.Getwd()
	if err != nil {
		return file
	}
	if rel, err := filepath.Rel(wd, file); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return file
}
