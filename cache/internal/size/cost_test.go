package size_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache/internal/size"
)

func TestAllocations(t *testing.T) {
	type flat struct{ A, B [4]int }
	type named string
	free(t, 42)
	free(t, flat{})
	free(t, "some text")
	free(t, named("some text"))
	free(t, []byte("some text"))
	free(t, json.RawMessage("some text"))
	free(t, make([]flat, 10))
	free(t, []string{"a", "b"})
	free(t, &address{Street: "street", City: "city"})
	free[any](t, []any{1, "a", []byte("b")})
}

func free[V any](t *testing.T, v V) {
	t.Helper()
	sizer := size.For[V]()
	if n := testing.AllocsPerRun(1000, func() { sizer(&v) }); n >= 1 {
		require.Zero(t, n, "%T", v) // a collection may empty the pool of walks now and then
	}
}

func BenchmarkSizer(b *testing.B) {
	b.Run("value=int", sizing(42))
	b.Run("value=string", sizing("some text"))
	b.Run("value=bytes", sizing(make([]byte, 1000)))
	b.Run("value=user", sizing(newUser(1)))
	b.Run("value=users", sizing(func() (users []user) {
		for i := range 50 {
			users = append(users, newUser(i))
		}
		return users
	}()))
	b.Run("value=huge", sizing(func() (users [][]user) {
		row := make([]user, 1000)
		for i := range row {
			row[i] = newUser(i)
		}
		for range 1000 {
			users = append(users, append([]user(nil), row...))
		}
		return users
	}()))
	b.Run("value=strings", sizing(strings.Split(strings.Repeat("word ", 1000), " ")))
}

func sizing[V any](v V) func(*testing.B) {
	return func(b *testing.B) {
		sizer := size.For[V]()
		b.ReportAllocs()
		for b.Loop() {
			sizer(&v)
		}
	}
}
