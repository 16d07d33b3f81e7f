package contender

import (
	"fmt"
	"reflect"

	"github.com/freshet-go/freshet/tiered"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// wire encodes values for libraries that leave it to their users: bytes as they are, all else as Freshet does it, so
// that what differs is not the codec.
type wire[V any] struct{ codec tiered.Codec }

func newWire[V any]() (wire[V], error) {
	codec, err := tiered.CodecFor(reflect.TypeFor[V](), tiered.CBOR)
	if err != nil {
		return wire[V]{}, fmt.Errorf("contender: %w", err)
	}
	return wire[V]{codec}, nil
}

func (w wire[V]) encode(value V) ([]byte, error) {
	if b, ok := any(value).([]byte); ok {
		return b, nil
	}
	return w.codec.Append(nil, &value)
}

// decode keeps data if values are bytes.
func (w wire[V]) decode(data []byte) (value V, err error) {
	if b, ok := any(&value).(*[]byte); ok {
		*b = data
		return value, nil
	}
	err = w.codec.Decode(data, &value)
	return value, err
}

// dial is go-redis with its defaults, but for a look-up of names at each connection that a benchmark has no use for.
func dial(address string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:                     address,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}
