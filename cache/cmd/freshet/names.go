package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// names are the names that are taken in one scope.
type names map[string]bool

// pick takes want, or something like it that is free.
func (n names) pick(want string) string {
	name := want
	for i := 2; n[name]; i++ {
		name = want + strconv.Itoa(i)
	}
	n[name] = true
	return name
}

// camel makes users_many, or users.v2, a part of an exported name: UsersMany, UsersV2.
func camel(name string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(capital(word))
	}
	if s := b.String(); s[0] < '0' || s[0] > '9' {
		return s
	}
	return "N" + b.String() // no name begins with a digit
}

func capital(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[n:]
}
