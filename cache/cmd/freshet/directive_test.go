package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseDirective(t *testing.T) {
	for text, want := range map[string]directive{
		"//freshet:cache name=users":                    {verb: "cache", name: "users"},
		"//freshet:cache ttl=90s name=users.v2 key=a,b": {verb: "cache", name: "users.v2", ttl: 90 * time.Second, key: []path{{"a"}, {"b"}}},
		"//freshet:cache  name=u\tkey=q.User.ID ":       {verb: "cache", name: "u", key: []path{{"q", "User", "ID"}}},
		"//freshet:invalidate users key=u.ID,day":       {verb: "invalidate", name: "users", key: []path{{"u", "ID"}, {"day"}}},
		"//freshet:invalidate users prefix=team":        {verb: "invalidate", name: "users", prefix: []path{{"team"}}},
		"//freshet:invalidate users all":                {verb: "invalidate", name: "users", all: true},
		"//freshet:invalidate stats":                    {verb: "invalidate", name: "stats"},
	} {
		got, err := parseDirective(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestParseDirectiveRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"//freshet:cash name=users":                        "unknown directive //freshet:cash",
		"//freshet:":                                       "unknown directive",
		"//freshet: cache name=users":                      "unknown directive",
		"//freshet:cache":                                  "no name",
		"//freshet:cache name=":                            "no name",
		"//freshet:cache users":                            `unknown "users"`,
		"//freshet:cache name=users ttl=5":                 `bad ttl "5"`,
		"//freshet:cache name=users ttl=-5m":               `bad ttl "-5m"`,
		"//freshet:cache name=users ttl=0s":                `bad ttl "0s"`,
		"//freshet:cache name=users ttl":                   `bad ttl ""`,
		"//freshet:cache name=users key":                   `unknown "key"`,
		"//freshet:cache name=users key=":                  "bad key=",
		"//freshet:cache name=users key=a,":                "bad key=a,",
		"//freshet:cache name=users key=a..b":              "bad key=a..b",
		"//freshet:cache name=users key=_":                 "bad key=_",
		"//freshet:cache name=users key=func":              "bad key=func",
		"//freshet:cache name=users key=a key=b":           "key is said twice",
		"//freshet:cache name=users name=posts":            "name is said twice",
		"//freshet:cache name=users all":                   `unknown "all"`,
		"//freshet:cache name=users prefix=a":              `unknown "prefix=a"`,
		`//freshet:cache name="users"`:                     "bad name",
		"//freshet:cache name=42":                          "at least one letter",
		"//freshet:invalidate":                             "which cache?",
		"//freshet:invalidate key=id":                      "which cache?",
		"//freshet:invalidate users ttl=5m":                `unknown "ttl=5m"`,
		"//freshet:invalidate users all=1":                 `unknown "all=1"`,
		"//freshet:invalidate users key=id prefix=id":      "exclude each other",
		"//freshet:invalidate users all key=id":            "exclude each other",
		"//freshet:invalidate us{er}s key=id":              "bad name",
		"//freshet:invalidate users key=id, other":         "bad key=id,",
		"//freshet:cache name=users key=id // the primary": `unknown "//"`,
	} {
		_, err := parseDirective(text)
		require.ErrorContains(t, err, want, text)
	}
}

// What is understood can be written down, and is understood the same again; nothing makes the parser panic.
func FuzzParseDirective(f *testing.F) {
	for _, text := range []string{
		"//freshet:cache name=users ttl=5m key=id", "//freshet:invalidate users key=u.ID,day", "//freshet:invalidate users all",
		"//freshet:invalidate users prefix=a", "//freshet:cache ttl= name=é", "//freshet:", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDirective(text)
		if err != nil {
			return
		}
		again, err := parseDirective(d.String())
		require.NoError(t, err, d.String())
		require.Equal(t, d, again)
		require.NotEmpty(t, camel(d.name))
	})
}
