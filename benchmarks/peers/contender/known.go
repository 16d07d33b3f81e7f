package contender

// Known are the checks that a contender always fails. The tests assert that it fails these, and no others.
func Known(name string) []string { return known[name] }

// Racy are the checks that it fails more often than not, as its goroutines or the server's messages happen to run.
func Racy(name string) []string { return racy[name] }

var known = map[string][]string{
	"go-redis-cache": {
		"fences", "fences both tiers", "tells nodes", "one load in all", "leader leaves", "own deadline", "keeps absence", "Redis gone", "Redis frozen",
	},
	"sturdyc": {
		"invalidates", "fences", "fences both tiers", "tells Redis", "tells nodes", "one load in all", "leader leaves", "own deadline", "Redis gone", "Redis frozen",
	},
	"rueidis": {
		"fences", "fences both tiers", "one load", "one load in all", "keeps absence", "Redis gone", "Redis frozen",
	},
	"rueidis-csc": {
		"one load", "one load in all", "keeps absence", "Redis gone", "Redis frozen",
	},
	"ristretto": {
		"one load", "keeps absence",
	},
	"otter": {
		"keeps absence",
	},
	"theine": {
		"own deadline", "keeps absence",
	},
	"go-redis": {
		"fences", "fences both tiers", "one load", "one load in all", "keeps absence", "Redis gone", "Redis frozen",
	},
	"naive": {
		"fences", "fences both tiers", "one load in all", "leader leaves", "own deadline", "keeps absence", "Redis gone", "Redis frozen",
	},
	"map": {
		"fences", "one load", "keeps absence",
	},
}

// ristretto takes a Set in later, and can take two in in the wrong order; a client-side cache learns of a change by a
// message, which can come after the answer to what caused it.
var racy = map[string][]string{
	"rueidis-csc": {
		"hits", "invalidates", "fences", "fences both tiers",
	},
	"ristretto": {
		"hits", "fences",
	},
}
