package size_test

import (
	"fmt"
	"strings"

	"github.com/freshet-go/freshet/cache/internal/size"
)

func Example() {
	type post struct {
		ID   int64
		Text string
		Tags []string
	}
	sizeOf := size.For[post]()

	small := post{ID: 1}
	fmt.Println(sizeOf(&small))

	large := post{ID: 2, Text: strings.Repeat("go ", 1000), Tags: []string{"go", "cache"}}
	fmt.Println(sizeOf(&large))
	// Output:
	// 48
	// 3168
}
