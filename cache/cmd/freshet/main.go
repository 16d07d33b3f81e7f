package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const usage = `Usage: freshet wrap -type Interface [-out file] [package folder]

Writes a type that implements the interface and answers from caches, as //freshet: comments on its methods say:

	//freshet:cache name=users ttl=5m key=id
	//freshet:invalidate users key=id

See https://pkg.go.dev/github.com/freshet-go/freshet/cache/cmd/freshet

`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the command: 0 if all went well, 1 if the source is not right, 2 if the arguments are not.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("freshet wrap", flag.ContinueOnError)
	flags.SetOutput(stderr)
	name := flags.String("type", "", "the interface to wrap")
	out := flags.String("out", "", `the file to write in the package's folder, "-" for standard output (default <type>_freshet.go)`)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	if len(args) == 0 || args[0] != "wrap" {
		flags.Usage()
		return 2
	}
	if err := flags.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	dir := "."
	switch flags.NArg() {
	case 0:
	case 1:
		dir = flags.Arg(0)
	default:
		fmt.Fprintln(stderr, "freshet: more than one package folder")
		return 2
	}
	if *name == "" {
		fmt.Fprintln(stderr, "freshet: -type is missing: which interface?")
		return 2
	}
	if err := wrap(dir, *name, *out, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// wrap generates, and writes only what is complete.
func wrap(dir, name, out string, stdout io.Writer) error {
	file := out
	if out == "" || out == "-" {
		file = strings.ToLower(name) + "_freshet.go"
	}
	if file != filepath.Base(file) || !strings.HasSuffix(file, ".go") {
		return fmt.Errorf("freshet: -out is %q: must be the name of a Go file, which goes into the package's folder", out)
	}
	src, err := load(dir, file)
	if err != nil {
		return err
	}
	p, err := newPlan(src, name)
	if err != nil {
		return err
	}
	code, err := p.generate()
	if err != nil {
		return err
	}
	if out == "-" {
		_, err := stdout.Write(code)
		return err
	}
	path := filepath.Join(src.dir, file)
	if old, err := os.ReadFile(path); err == nil {
		if bytes.Equal(old, code) {
			return nil
		}
		if !bytes.HasPrefix(old, []byte(headerStart)) {
			return fmt.Errorf("freshet: %s exists and was not written by this command: choose another name with -out", path)
		}
	}
	return os.WriteFile(path, code, 0o666) // as the compiler's output: the umask decides
}
