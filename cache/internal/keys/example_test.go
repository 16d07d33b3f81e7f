package keys_test

import (
	"fmt"

	"github.com/freshet-go/freshet/cache/internal/keys"
)

func Example() {
	type page struct {
		User  int64
		Topic string
		Page  int
	}
	feed, err := keys.For[page]("feed")
	if err != nil {
		panic(err)
	}
	k, _ := feed.Encode(page{42, "go:news", 3})
	fmt.Println(k)

	prefix, _ := feed.Prefix(42, "go:news")
	fmt.Println(prefix)

	_, err = feed.Prefix("42")
	fmt.Println(err)
	// Output:
	// feed:42:go%3Anews:3
	// feed:42:go%3Anews
	// cache: prefix of "feed": segment 1, field User: string given, want int64
}

func ExampleFor() {
	type place struct {
		City      string
		Latitude  float64
		Longitude float64
	}
	_, err := keys.For[place]("weather")
	fmt.Println(err)
	// Output:
	// cache: key type keys_test.place: field Latitude: float64 cannot be a key: 0 and -0 are equal but print differently; use an integer or a string
}
