package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// sluggish takes a second to decode a value.
type sluggish struct{ tiered.Codec }

func (s sluggish) Decode(data []byte, v any) error {
	time.Sleep(time.Second)
	return s.Codec.Decode(data, v)
}

type number struct{ N int }

// What a value has left to live counts from when Redis answered: the time that decoding takes is not added.
func TestASlowCodecDoesNotLengthenALife(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		loads := 0
		var cs []*cache.Cached[string, number]
		for _, store := range w.nodes {
			c, err := cache.New(func(context.Context, string) (number, error) {
				loads++
				return number{loads}, nil
			}, cache.Options{Store: store, Name: "c", Codec: sluggish{tiered.CBOR}, TTL: ttl.Fixed(10 * time.Second)})
			require.NoError(t, err)
			cs = append(cs, c)
		}
		read := func(node, want int) {
			t.Helper()
			v, err := cs[node].Get(bg, "k")
			require.NoError(t, err)
			require.Equal(t, want, v.N)
		}
		read(0, 1)
		pass(4 * time.Second)
		read(1, 1) // from Redis, for a second
		require.EqualValues(t, 1, cs[1].Stats().RedisHits)
		pass(4900 * time.Millisecond)
		read(1, 1) // from memory
		require.EqualValues(t, 1, cs[1].Stats().MemoryHits)
		pass(100 * time.Millisecond)
		read(1, 2)
		require.Equal(t, 2, loads)
	})
}
