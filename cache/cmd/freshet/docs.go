package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
)

// docs finds the comments of methods.
type docs struct {
	src     *source
	methods map[token.Pos]declared // by the position of the method's name
	used    map[*ast.CommentGroup]bool
	ifaces  map[*ast.InterfaceType]*ast.File // those that a method was asked of
}

// declared is where a method is declared.
type declared struct {
	field *ast.Field
	iface *ast.InterfaceType
	file  *ast.File
}

func newDocs(src *source) *docs {
	d := &docs{
		src: src, methods: map[token.Pos]declared{},
		used: map[*ast.CommentGroup]bool{}, ifaces: map[*ast.InterfaceType]*ast.File{},
	}
	for _, file := range src.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if iface, ok := n.(*ast.InterfaceType); ok {
				for _, field := range iface.Methods.List {
					for _, name := range field.Names {
						d.methods[name.Pos()] = declared{field, iface, file}
					}
				}
			}
			return true
		})
	}
	return d
}

// almost is what was meant to be a directive.
var almost = regexp.MustCompile(`^//\s+freshet:(cache|invalidate)\b`)

// of returns the directives of the method whose name is at pos. A method of another package has none.
func (d *docs) of(pos token.Pos, f *faults) (all []saying) {
	m, ok := d.methods[pos]
	if !ok {
		return nil
	}
	d.ifaces[m.iface] = m.file
	for _, group := range []*ast.CommentGroup{m.field.Doc, m.field.Comment} {
		if group == nil {
			continue
		}
		d.used[group] = true
		for _, c := range group.List {
			switch {
			case almost.MatchString(c.Text):
				f.add(c.Pos(), "a directive has no space after the slashes: write %s", mark)
			case strings.HasPrefix(c.Text, mark):
				one, err := parseDirective(c.Text)
				if err != nil {
					f.add(c.Pos(), "%v", err)
					continue
				}
				all = append(all, saying{one, c.Pos()})
			}
		}
	}
	return all
}

// strays minds directives that are in the interfaces, but belong to none of their methods.
func (d *docs) strays(f *faults) {
	for iface, file := range d.ifaces {
		for _, group := range file.Comments {
			if d.used[group] || group.Pos() < iface.Pos() || group.End() > iface.End() {
				continue
			}
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, mark) {
					f.add(c.Pos(), "this belongs to no method: put it on the line before one")
				}
			}
		}
	}
}
