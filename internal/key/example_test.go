package key_test

import (
	"fmt"

	"github.com/freshet-go/freshet/internal/key"
)

func Example() {
	k := key.Join("feed", "42", "tag:{go}")
	fmt.Println(k)

	segments, _ := key.Split(k)
	fmt.Printf("%q\n", segments)

	fmt.Println(key.Covers("feed:42", k), key.Covers("feed:4", k))
	// Output:
	// feed:42:tag%3A%7Bgo%7D
	// ["feed" "42" "tag:{go}"]
	// true false
}

func ExampleAncestors() {
	const k = "feed:42:2026-01-02"
	for n := range key.Ancestors(k) {
		fmt.Printf("%q\n", k[:n])
	}
	// Output:
	// ""
	// "feed"
	// "feed:42"
	// "feed:42:2026-01-02"
}
