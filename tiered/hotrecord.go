package tiered

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/freshet-go/freshet/internal/key"
)

// What Redis remembers of a cache's hottest keys, under one key, in big-endian order:
//
//	K kind, version 1, checksum 4, time 8 (Unix milliseconds), then for each key, the hottest first:
//	reads 4 (float32), length (uvarint), the encoded key
//
// The checksum covers the cache's name and all that follows it.
const (
	hotHeader  = "K\x01"
	hotStart   = len(hotHeader) + 4
	hotMaxSize = 1 << 20
)

// appendHot appends a record of as many keys as fit, the hottest first. Those that have faded away are left out.
func appendHot(dst []byte, name string, at time.Time, keys []HotKey) []byte {
	start := len(dst)
	dst = append(dst, hotHeader...)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint64(dst, uint64(at.UnixMilli()))
	for _, h := range keys {
		if h.Reads < 1 || len(dst)-start+4+binary.MaxVarintLen64+len(h.Key) > hotMaxSize {
			break
		}
		dst = binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(h.Reads)))
		dst = binary.AppendUvarint(dst, uint64(len(h.Key)))
		dst = append(dst, h.Key...)
	}
	b := dst[start:]
	binary.BigEndian.PutUint32(b[len(hotHeader):], hotChecksum(b, name))
	return dst
}

// parseHot reads a record. Keys of another cache, and reads that are no number, are corrupt, whatever the checksum says.
func parseHot(text, name string) (at time.Time, keys []HotKey, err error) {
	b := readOnly(text)
	if len(b) < hotStart+8 || len(b) > hotMaxSize || text[:len(hotHeader)] != hotHeader ||
		binary.BigEndian.Uint32(b[len(hotHeader):]) != hotChecksum(b, name) {
		return at, nil, errCorrupt
	}
	at = time.UnixMilli(int64(binary.BigEndian.Uint64(b[hotStart:])))
	parent := key.Join(name)
	for b = b[hotStart+8:]; len(b) > 0; {
		if len(b) < 4 {
			return at, nil, errCorrupt
		}
		reads := float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
		size, n := binary.Uvarint(b[4:])
		if n <= 0 || size > uint64(len(b)-4-n) || !(reads >= 0 && reads <= math.MaxFloat32) {
			return at, nil, errCorrupt
		}
		k := string(b[4+n : 4+n+int(size)])
		if !key.Covers(parent, k) {
			return at, nil, errCorrupt
		}
		keys, b = append(keys, HotKey{k, reads}), b[4+n+int(size):]
	}
	return at, keys, nil
}

func hotChecksum(b []byte, name string) uint32 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(name) // a Digest's writes cannot fail
	_, _ = d.WriteString("\x00")
	_, _ = d.Write(b[hotStart:])
	return uint32(d.Sum64())
}
