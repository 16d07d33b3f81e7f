package codec_test

import (
	"fmt"
	"reflect"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

func ExampleFor() {
	type User struct {
		Name string
		Tags []string
	}
	c, err := codec.For(reflect.TypeFor[User](), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	in := User{Name: "Ada", Tags: []string{}}
	data, err := c.Append(nil, &in)
	if err != nil {
		fmt.Println(err)
		return
	}
	var out User
	err = c.Decode(data, &out)
	fmt.Printf("%s: %#v %v\n", c.Name(), out.Tags, err)
	// Output: cbor: []string{} <nil>
}

func ExampleCheck() {
	type Account struct {
		Name     string
		Password string `json:"-"`
	}
	fmt.Println(codec.Check(reflect.TypeFor[Account](), codec.CBOR))
	// Output: tiered: the type cannot be stored in Redis: cbor: Account.Password: `json:"-"` hides it from clients, and would hide it from readers of Redis: add `cbor:"password"` to keep it, or `cbor:"-"` to do without it
}

func ExampleCompress() {
	payload := make([]byte, 10_000)
	packed := codec.Compress(nil, payload)
	fmt.Println(len(packed) < 100)

	_, err := codec.Decompress(nil, packed, 5_000)
	fmt.Println(err)
	// Output:
	// true
	// tiered: decompressed value above the limit: 10000 bytes, 5000 allowed
}
