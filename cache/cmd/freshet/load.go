package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// source is a package as its author wrote it, without the file that is about to be generated: that one may be missing,
// or be out of date.
type source struct {
	fset  *token.FileSet
	files []*ast.File
	pkg   *types.Package
	dir   string
	wrong error // the first thing that the type checker minded
}

// listed is what go list tells of a package.
type listed struct {
	Dir, ImportPath, Name, Export string
	GoFiles, CgoFiles             []string
	Module                        *struct{ GoVersion string }
	Error                         *struct{ Err string }
}

// load parses and type-checks the package in dir, but for the file called out. Function bodies are not looked at: they may
// use what is not generated yet.
func load(dir, out string) (*source, error) {
	target, err := goList(dir, "-find", ".")
	if err != nil {
		return nil, err
	}
	if len(target) != 1 || len(target[0].GoFiles)+len(target[0].CgoFiles) == 0 {
		why := "it has no Go files"
		if len(target) > 0 && target[0].Error != nil {
			why = target[0].Error.Err
		}
		return nil, fmt.Errorf("freshet: no package in %s: %s", dir, why)
	}
	p := target[0]
	src := &source{fset: token.NewFileSet(), dir: p.Dir}
	imports := map[string]bool{}
	for _, name := range append(p.GoFiles, p.CgoFiles...) {
		if name == out {
			continue
		}
		f, err := parser.ParseFile(src.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("freshet: %w", err)
		}
		src.files = append(src.files, f)
		for _, spec := range f.Imports {
			if path, err := strconv.Unquote(spec.Path.Value); err == nil && path != "C" && path != "unsafe" {
				imports[path] = true
			}
		}
	}
	deps, err := exports(p.Dir, imports)
	if err != nil {
		return nil, err
	}
	config := types.Config{
		IgnoreFuncBodies: true,
		FakeImportC:      true,
		Importer: importer.ForCompiler(src.fset, "gc", func(path string) (io.ReadCloser, error) {
			if deps[path] == "" {
				return nil, fmt.Errorf("package %s cannot be built", path)
			}
			return os.Open(deps[path])
		}),
		Error: func(err error) {
			if te := (types.Error{}); src.wrong == nil && !(errors.As(err, &te) && te.Soft) {
				src.wrong = err
			}
		},
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	src.pkg, _ = config.Check(p.ImportPath, src.fset, src.files, nil) // what is wrong matters only where it is met
	return src, nil
}

// exports finds, and builds where needed, what the compiler knows of the imported packages: by path, a file.
func exports(dir string, imports map[string]bool) (map[string]string, error) {
	if len(imports) == 0 {
		return nil, nil
	}
	args := []string{"-export", "-deps"}
	for path := range imports {
		args = append(args, path)
	}
	all, err := goList(dir, args...)
	if err != nil {
		return nil, err
	}
	files := make(map[string]string, len(all))
	for _, p := range all {
		files[p.ImportPath] = p.Export
	}
	return files, nil
}

func goList(dir string, args ...string) (all []listed, err error) {
	args = append([]string{"list", "-e", "-json=Dir,ImportPath,Name,Export,GoFiles,CgoFiles,Module,Error"}, args...)
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("freshet: go list in %s: %w: %s", dir, err, strings.TrimSpace(stderr.String()))
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("freshet: go list in %s: %w", dir, err)
		}
		all = append(all, p)
	}
}
