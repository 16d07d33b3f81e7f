package main

import (
	"encoding"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache/internal/keys"
)

type (
	own     struct{ X int }
	lent    struct{ own }
	both    struct{ own }
	pointed struct{ X int }
)

func (own) MarshalText() ([]byte, error)      { return nil, nil }
func (both) MarshalText() ([]byte, error)     { return nil, nil }
func (*pointed) MarshalText() ([]byte, error) { return nil, nil }

var (
	_ encoding.TextMarshaler = lent{}
	_ encoding.TextMarshaler = both{}
)

// What writes itself is one segment, in the eyes of the command as in those of package cache.
func TestMarshalsText(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "key_test.go", nil, 0)
	require.NoError(t, err)
	conf := types.Config{Error: func(error) {}} // imports are not needed
	pkg, _ := conf.Check("main", fset, []*ast.File{file}, nil)
	same(t, pkg, "own", own{})
	same(t, pkg, "lent", lent{})
	same(t, pkg, "both", both{})
	same(t, pkg, "pointed", pointed{})
}

// same holds the command against what keys of type K have for a first segment.
func same[K comparable](t *testing.T, pkg *types.Package, name string, key K) {
	t.Helper()
	encoder, err := keys.For[K]("c")
	require.NoError(t, err)
	_, err = encoder.Prefix(key)
	require.Equal(t, err == nil, marshalsText(pkg.Scope().Lookup(name).Type()), "%s: %v", name, err)
}
