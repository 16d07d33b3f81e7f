package cachetest

import (
	"time"

	"github.com/freshet-go/freshet/tiered"
)

// EngineFault is what the check called name has against engine.
func EngineFault(engine tiered.Engine, name string) error {
	defer func(usual time.Duration) { patience = usual }(patience)
	patience = 100 * time.Millisecond
	for _, c := range engineChecks {
		if c.name == name {
			return c.check(engine)
		}
	}
	panic("no check is called " + name)
}

// CodecFaults returns the names of the checks that codec fails with a value.
func CodecFaults(codec tiered.Codec, v any) (names []string) {
	for _, c := range codecChecks {
		data, err := codec.Append(nil, pointer(v).Interface())
		if err == nil {
			err = guarded(func() error { return c.check(codec, v, data) })
		}
		if err != nil {
			names = append(names, c.name)
		}
	}
	return names
}

// Stale is what RequireFresh would say.
func (s *Source[K, V]) Stale(since int, key K, value V, err error) error {
	return s.stale(since, key, value, err)
}
