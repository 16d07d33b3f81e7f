package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// folder makes a folder with a module of one file.
func folder(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/app\n\ngo 1.26\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "app.go"), []byte(source), 0o600))
	return dir
}

// refused runs the command, which must write nothing but the faults, and returns these.
func refused(t *testing.T, dir string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	require.Equal(t, 1, run(append(append([]string{"wrap"}, args...), dir), &stdout, &stderr), "stdout %s, stderr %s", &stdout, &stderr)
	require.Empty(t, stdout.String())
	written, err := filepath.Glob(filepath.Join(dir, "*_freshet.go"))
	require.NoError(t, err)
	require.Empty(t, written)
	return strings.TrimSpace(strings.ReplaceAll(stderr.String(), dir+string(filepath.Separator), ""))
}

// All that is wrong is told at once, each with its line: the comments in the source say what is wanted of the line that
// they are on, or of the one before them.
func TestFaults(t *testing.T) {
	source, err := os.ReadFile("testdata/faults/app.go.txt")
	require.NoError(t, err)
	var want []string
	for i, line := range strings.Split(string(source), "\n") {
		code, text, found := strings.Cut(line, "// want ")
		if !found {
			continue
		}
		if strings.TrimSpace(code) != "" {
			i++
		}
		want = append(want, fmt.Sprintf("app.go:%d: %s", i, text))
	}
	got := refused(t, folder(t, string(source)), "-type", "Repo")
	got = regexp.MustCompile(`app.go:\d+:\d+`).ReplaceAllString(got, "app.go:NN:NN")
	require.Equal(t, strings.Join(want, "\n"), got)
}

func TestTypesThatCannotBeWrapped(t *testing.T) {
	dir := folder(t, `package app

import "context"

type Plain struct{}

var Value int

type Number interface{ ~int | ~string }

type Nothing interface {
	Get(ctx context.Context, id int) (string, error)
}

type Generic[K comparable] interface {
	//freshet:cache name=a
	Get(ctx context.Context, key K) (string, error)
}

type Foreign interface{ testable }

type testable interface {
	//freshet:cache name=a
	Get(ctx context.Context) (p *int, err error)
	Drop(ctx context.Context, f func()) error
}
`)
	for name, want := range map[string]string{
		"Absent":  "freshet: there is no type Absent in package example.com/app (" + filepath.Clean(dir) + "); files of tests and of other platforms do not count",
		"Plain":   "app.go:5: Plain is not an interface",
		"Value":   "app.go:7: Value is not a type",
		"Number":  "app.go:9: Number is a constraint: no value has its type",
		"Nothing": "app.go:11: Nothing has no //freshet:cache comment on any method: there is nothing to cache",
		"Generic": "app.go:15: Generic is generic, which is not supported: declare an interface that embeds one instance, as type Users interface{ Generic[…] }",
	} {
		require.Equal(t, want, refused(t, dir, "-type", name), name)
	}
}

func TestFoldersAndFiles(t *testing.T) {
	const source = "package app\n\nimport \"context\"\n\ntype Repo interface {\n\t//freshet:cache name=a\n\tGet(ctx context.Context, id int) (string, error)\n}\n"
	dir := folder(t, source)
	require.Contains(t, refused(t, dir, "-type", "Repo", "-out", "../x.go"), "-out is")
	require.Contains(t, refused(t, dir, "-type", "Repo", "-out", "x.txt"), "-out is")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.go"), []byte("package app\n"), 0o600))
	require.Contains(t, refused(t, dir, "-type", "Repo", "-out", "mine.go"), "was not written by this command")

	require.Contains(t, refused(t, t.TempDir(), "-type", "Repo"), "freshet: ")
	require.Contains(t, refused(t, folder(t, "package app\n\nfunc {"), "-type", "Repo"), "app.go:3:6")

	// A file from an earlier run does not count, be it out of date or broken.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "repo_freshet.go"), []byte(headerStart+" -type Repo; DO NOT EDIT.\n\npackage app\n\ntype CachedRepo what"), 0o600))
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{"wrap", "-type", "Repo", dir}, &stdout, &stderr), stderr.String())
	code, err := os.ReadFile(filepath.Join(dir, "repo_freshet.go"))
	require.NoError(t, err)
	require.Contains(t, string(code), "func NewCachedRepo(")
	require.Zero(t, run([]string{"wrap", "-type", "Repo", "-out", "-", dir}, &stdout, &stderr), stderr.String())
	require.Equal(t, string(code), stdout.String())
	require.Empty(t, stderr.String())
}

func TestArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"Usage:":           {},
		"Usage: ":          {"unwrap"},
		"-type is missing": {"wrap"},
		"more than one":    {"wrap", "-type", "A", ".", "."},
		"not defined":      {"wrap", "-fast"},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, 2, run(args, &stdout, &stderr))
		require.Contains(t, stderr.String(), want)
	}
	require.Zero(t, run([]string{"wrap", "-h"}, &bytes.Buffer{}, &bytes.Buffer{}))
}
