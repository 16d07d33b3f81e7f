package cache_test

import (
	"errors"
	"sync/atomic"
)

// moodyCodec decodes, or does not.
type moodyCodec struct {
	slowCodec
	fails atomic.Bool
}

func (c *moodyCodec) Decode(data []byte, v any) error {
	if c.fails.Load() {
		return errors.New("cannot decode just now")
	}
	return c.slowCodec.Decode(data, v)
}
