package main

import (
	"errors"
	"fmt"
	"go/token"
	"slices"
	"strings"
	"time"
)

const mark = "//freshet:" // begins every directive

const (
	verbCache      = "cache"
	verbInvalidate = "invalidate"
)

// directive is one comment that this command obeys.
type directive struct {
	verb   string
	name   string        // of the cache
	ttl    time.Duration // 0: not said
	key    []path        // nil: not said
	prefix []path        // nil: not said
	all    bool
}

// path is a parameter or a result, and fields of it: u, or u.ID.
type path []string

func (p path) String() string { return strings.Join(p, ".") }

// parseDirective reads a comment that begins with the mark.
func parseDirective(comment string) (d directive, err error) {
	verb, rest, _ := strings.Cut(strings.TrimPrefix(comment, mark), " ")
	d.verb = strings.TrimSpace(verb)
	words := strings.Fields(rest)
	switch d.verb {
	case verbCache:
	case verbInvalidate:
		if len(words) == 0 || strings.Contains(words[0], "=") {
			return d, errors.New("which cache? write " + mark + "invalidate NAME key=PARAMETER")
		}
		d.name, words = words[0], words[1:]
	default:
		return d, fmt.Errorf("unknown directive %s%s: there are %scache and %sinvalidate", mark, d.verb, mark, mark)
	}
	seen := map[string]bool{}
	for _, word := range words {
		attr, value, _ := strings.Cut(word, "=")
		if seen[attr] {
			return d, fmt.Errorf("%s is said twice", attr)
		}
		seen[attr] = true
		if err := d.set(word, attr, value); err != nil {
			return d, err
		}
	}
	err = d.check()
	return d, err
}

// set applies one word, which is attr=value or not.
func (d *directive) set(word, attr, value string) (err error) {
	cache := d.verb == verbCache
	switch {
	case cache && attr == "name":
		d.name = value
	case cache && attr == "ttl":
		if d.ttl, err = time.ParseDuration(value); err != nil || d.ttl <= 0 {
			return fmt.Errorf("bad ttl %q: write a duration above 0, as ttl=90s or ttl=5m", value)
		}
	case attr == "key" && word != attr:
		d.key, err = parsePaths(attr, value)
	case !cache && attr == "prefix" && word != attr:
		d.prefix, err = parsePaths(attr, value)
	case !cache && word == "all":
		d.all = true
	case cache:
		return fmt.Errorf("unknown %q: a cache has name=, ttl= and key=", word)
	default:
		return fmt.Errorf("unknown %q: an invalidation has key=, prefix= or all", word)
	}
	return err
}

func (d *directive) check() error {
	if d.name == "" {
		return errors.New("the cache has no name: write name=NAME")
	}
	if i := strings.IndexFunc(d.name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.:/", r))
	}); i >= 0 || !strings.ContainsFunc(d.name, isLetter) {
		return fmt.Errorf("bad name %q: a cache's name has letters, digits and _-.:/, and at least one letter", d.name)
	}
	ways := 0
	for _, said := range []bool{d.key != nil, d.prefix != nil, d.all} {
		if said {
			ways++
		}
	}
	if d.verb == verbInvalidate && ways > 1 {
		return errors.New("key=, prefix= and all exclude each other: write a line for each")
	}
	return nil
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func parsePaths(attr, value string) (all []path, err error) {
	for one := range strings.SplitSeq(value, ",") {
		p := path(strings.Split(one, "."))
		if slices.ContainsFunc(p, func(name string) bool { return !token.IsIdentifier(name) || name == "_" }) {
			return nil, fmt.Errorf("bad %s=%s: write the names of parameters or their fields, as %s=user,page.Number", attr, value, attr)
		}
		all = append(all, p)
	}
	return all, nil
}

// String is the directive as its author could have written it.
func (d directive) String() string {
	var b strings.Builder
	b.WriteString(mark + d.verb)
	if d.verb == verbCache {
		b.WriteString(" name=" + d.name)
	} else {
		b.WriteString(" " + d.name)
	}
	if d.ttl > 0 {
		b.WriteString(" ttl=" + d.ttl.String())
	}
	list := func(attr string, paths []path) {
		for i, p := range paths {
			if i == 0 {
				b.WriteString(" " + attr + "=")
			} else {
				b.WriteByte(',')
			}
			b.WriteString(p.String())
		}
	}
	list("key", d.key)
	list("prefix", d.prefix)
	if d.all {
		b.WriteString(" all")
	}
	return b.String()
}
