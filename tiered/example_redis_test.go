package tiered_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/redis/go-redis/v9/logging"
)

// With Redis away an invalidation is done on this node, and Redis will be told: for most programs that is no error.
func Example_errDeferred() {
	logging.Disable() // go-redis would tell of every refused connection
	defer logging.Enable()
	ctx := context.Background()
	rdb, err := tiered.Dial("redis://127.0.0.1:1") // where nobody listens
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rdb.Close()
	store, err := tiered.Open(tiered.Options{Redis: rdb})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	version := 1
	rows := cache.Must(cache.New(func(context.Context, int) (int, error) { return version, nil }, cache.Options{Store: store, Name: "rows"}))

	fmt.Println(rows.Get(ctx, 7))
	version = 2
	err = rows.Invalidate(ctx, 7)
	fmt.Println(errors.Is(err, tiered.ErrDeferred), store.Stats().Journal)
	fmt.Println(rows.Get(ctx, 7))
	// Output:
	// 1 <nil>
	// true 1
	// 2 <nil>
}

// A type that would come back from Redis as another value is refused when the cache is made, and so says CodecFor.
func ExampleCodecFor() {
	type user struct {
		Name string
		age  int
	}
	_, err := tiered.CodecFor(reflect.TypeOf(user{"Ada", 36}), tiered.CBOR)
	_, advice, _ := strings.Cut(err.Error(), "cbor: ")
	fmt.Println(advice)
	codec, err := tiered.CodecFor(reflect.TypeFor[[]byte](), tiered.CBOR)
	fmt.Println(codec.Name(), err) // as they are
	// Output:
	// user.age: it is unexported and would come back zero: export it, give tiered_test.user a MarshalBinary and an UnmarshalBinary, or tag it `cbor:"-"` to do without it
	// bytes <nil>
}

// Without memory every read is one of Redis: for what is seldom asked for twice, or must not be kept in a process.
func ExampleNoMemory() {
	store, err := tiered.Open(tiered.Options{Engine: tiered.NoMemory})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	loads := 0
	rows := cache.Must(cache.New(func(context.Context, int) (int, error) { loads++; return loads, nil }, cache.Options{Store: store, Name: "rows"}))
	_, _ = rows.Get(context.Background(), 7)
	fmt.Println(rows.Get(context.Background(), 7))
	// Output:
	// 2 <nil>
}
