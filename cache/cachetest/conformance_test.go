package cachetest_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache/cachetest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/stretchr/testify/require"
)

func TestOwnEngines(t *testing.T) {
	for name, engine := range map[string]tiered.Engine{"ristretto": tiered.Ristretto, "otter": tiered.Otter, "clock": hand} {
		t.Run(name, func(t *testing.T) { cachetest.TestEngine(t, engine) })
	}
}

func TestOwnCodecs(t *testing.T) {
	type page struct {
		Rows []map[string]time.Time
		Any  any
	}
	for _, codec := range []tiered.Codec{tiered.CBOR, tiered.JSON} {
		t.Run(codec.Name(), func(t *testing.T) { cachetest.TestCodec(t, codec, page{Any: "a"}) })
	}
}

// clocked is a small engine: a map, and a hand that goes round it and takes what was not asked for.
type clocked struct {
	mu          sync.Mutex
	items       map[uint64]*slot
	used, limit int64
	closed      bool
}

type slot struct {
	item  tiered.Item
	asked bool
}

func hand(bytes int64) (tiered.Memory, error) {
	return &clocked{items: map[uint64]*slot{}, limit: bytes}, nil
}

func (c *clocked) Get(hash uint64) (tiered.Item, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.items[hash]
	if !ok {
		return nil, false
	}
	s.asked = true
	return s.item, true
}

func (c *clocked) Set(hash uint64, item tiered.Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.items[hash]; ok {
		c.used -= old.item.Weight()
		delete(c.items, hash)
	}
	if c.closed || item.Weight() > c.limit {
		return
	}
	for c.used+item.Weight() > c.limit {
		for h, s := range c.items {
			if s.asked {
				s.asked = false
				continue
			}
			c.used -= s.item.Weight()
			delete(c.items, h)
			break
		}
	}
	c.used += item.Weight()
	c.items[hash] = &slot{item: item}
}

func (c *clocked) Usage() (used, limit int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used, c.limit
}

func (c *clocked) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	clear(c.items)
	c.used = 0
}

// flawed is a good engine but for what its functions do.
type flawed struct {
	tiered.Memory
	set   func(m tiered.Memory, hash uint64, item tiered.Item)
	close func(m tiered.Memory)
	used  func(int64) int64
}

func (f *flawed) Set(hash uint64, item tiered.Item) {
	if f.set != nil {
		f.set(f.Memory, hash, item)
		return
	}
	f.Memory.Set(hash, item)
}

func (f *flawed) Close() {
	if f.close != nil {
		f.close(f.Memory)
		return
	}
	f.Memory.Close()
}

func (f *flawed) Usage() (used, limit int64) {
	used, limit = f.Memory.Usage()
	if f.used != nil {
		used = f.used(used)
	}
	return used, limit
}

func TestEngineFindsFlaws(t *testing.T) {
	of := func(f flawed) tiered.Engine {
		return func(bytes int64) (tiered.Memory, error) {
			m, err := hand(bytes)
			own := f
			own.Memory = m
			return &own, err
		}
	}
	for fault, f := range map[string]flawed{
		"gives back what was set": {set: func(tiered.Memory, uint64, tiered.Item) {}},
		"gives back the latest": {set: func(m tiered.Memory, hash uint64, item tiered.Item) {
			if _, ok := m.Get(hash); !ok {
				m.Set(hash, item)
			}
		}},
		"works concurrently and after Close": {close: func(tiered.Memory) {}},
		"is bounded":                         {used: func(used int64) int64 { return 2 * used }},
	} {
		t.Run(fault, func(t *testing.T) {
			require.NoError(t, cachetest.EngineFault(hand, fault))
			require.Error(t, cachetest.EngineFault(of(f), fault))
		})
	}
	require.Error(t, cachetest.EngineFault(func(int64) (tiered.Memory, error) { return nil, errors.New("no") }, "is bounded"))
}

// gobs is a codec as a user may write one: gob does not tell empty from nil, and merges into what is there.
type gobs struct{}

func (gobs) Name() string { return "gob" }

func (gobs) Append(dst []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	if err := gob.NewEncoder(b).Encode(v); err != nil {
		return dst, err
	}
	return b.Bytes(), nil
}

func (gobs) Decode(data []byte, v any) error { return gob.NewDecoder(bytes.NewReader(data)).Decode(v) }

// odd is JSON, but for what its functions do.
type odd struct {
	append func([]byte) []byte
	decode func([]byte, any) error
	name   string
}

func (o odd) Name() string { return o.name }

func (o odd) Append(dst []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if o.append != nil {
		b = o.append(b)
	}
	return append(dst, b...), err
}

func (o odd) Decode(data []byte, v any) error {
	if o.decode != nil {
		return o.decode(data, v)
	}
	return json.Unmarshal(data, v)
}

func TestCodecFindsFlaws(t *testing.T) {
	require.Empty(t, cachetest.CodecFaults(odd{name: "odd"}, "abc"))
	require.Empty(t, cachetest.CodecFaults(gobs{}, "abc"))
	require.Contains(t, cachetest.CodecFaults(gobs{}, []string{}), "gives back equal values")
	require.Contains(t, cachetest.CodecFaults(gobs{}, map[string]int{}), "gives back equal values")
	for fault, c := range map[string]odd{
		"has a name":              {},
		"gives back equal values": {name: "odd", append: bytes.ToUpper},
		"keeps no data": {name: "odd", decode: func(data []byte, v any) error {
			*v.(*json.RawMessage) = data
			return nil
		}},
		"survives bad data": {name: "odd", decode: func(data []byte, v any) error {
			if err := json.Unmarshal(data, v); err != nil {
				panic(err)
			}
			return nil
		}},
	} {
		t.Run(fault, func(t *testing.T) {
			v := any("abc")
			if fault == "keeps no data" {
				v = json.RawMessage(`"abc"`)
			}
			require.Contains(t, cachetest.CodecFaults(c, v), fault)
		})
	}
}
