package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	const golden = "testdata/golden/repo_freshet.go"
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{"wrap", "-type", "Repo", "-out", "-", "testdata/golden"}, &stdout, &stderr), stderr.String())
	if *update {
		require.NoError(t, os.WriteFile(golden, stdout.Bytes(), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), stdout.String(), "go test -update writes it anew")
}

func TestTheExampleIsUpToDate(t *testing.T) {
	const dir = "../../../examples/wrap"
	var stdout, stderr bytes.Buffer
	require.Zero(t, run([]string{"wrap", "-type", "UserRepo", "-out", "-", dir}, &stdout, &stderr), stderr.String())
	committed, err := os.ReadFile(filepath.Join(dir, "userrepo_freshet.go"))
	require.NoError(t, err)
	require.Equal(t, string(committed), stdout.String(), "go generate ./examples/wrap")
}

// A module of a user's: the tool is found through its go.mod, the file is not there yet although main uses it, and what
// was generated compiles and does what it should, which the program checks itself.
func TestInAModuleOfItsOwn(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		copyFile(t, filepath.Join(root, name), filepath.Join(dir, name))
	}
	for _, name := range []string{"main.go", "repo.go"} {
		copyFile(t, filepath.Join(root, "examples", "wrap", name), filepath.Join(dir, name))
	}
	goCommand(t, dir, "mod", "edit", "-module=example.com/app", "-require=github.com/freshet-go/freshet@v0.0.0",
		"-replace=github.com/freshet-go/freshet="+root)
	goCommand(t, dir, "generate", ".")
	goCommand(t, dir, "vet", ".")
	out := goCommand(t, dir, "run", ".")
	require.Contains(t, out, "after Save")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, text, 0o600))
}

// goCommand runs the go command in dir, with the packages that are on this machine.
func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GONOSUMDB=*", "GOWORK=off", "PWD="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), out)
	return string(out)
}
