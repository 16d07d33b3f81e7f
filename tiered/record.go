package tiered

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"
)

// The bytes under one Redis key. The first byte is the kind, the next 23 are a token; together they are the header,
// which every compare-and-set compares.
//
//	L lease     token, mark ('1': somebody waits for a wake-up), the V or X that it covers, if any
//	V value     token, claim 7, flags 1, checksum 4, cost 4, fresh 8, stale 4, keep 4, prefix 8, payload
//	N negative  the same without a payload
//	X expired   a V made stale by Expire: for stale-if-error only
//	H hold      a fixed token, then 16 bytes for each Mutate under way
//
// fresh is in Unix milliseconds, stale and keep in milliseconds after it, cost in microseconds, claim (until when
// somebody refreshes the value) in microseconds of Redis's clock, prefix is the newest prefix sequence known before
// the load. The checksum covers the key, the codec's name and all that no script changes: bytes that are corrupt,
// foreign, of another key or of another codec are a miss.
const (
	kindLease    = 'L'
	kindValue    = 'V'
	kindNegative = 'N'
	kindExpired  = 'X'

	headerSize = 24
	leaseSize  = headerSize + 1
	recordSize = 64

	hold = "Hfreshet-hold-record-v1." // the header of every hold

	flagCompressed = 1 << 0
	flagNegative   = 1 << 1
)

var errCorrupt = errors.New("tiered: corrupt record")

// record is a value or its absence as Redis holds it.
type record struct {
	expired    bool // X instead of V
	negative   bool
	compressed bool
	cost       time.Duration
	fresh      int64 // Unix milliseconds
	stale      int64
	keep       int64
	prefix     uint64
	payload    []byte
}

// token makes 16 random bytes. Leases join them with a nonce made when the command executes.
func token() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())
	return string(b[:])
}

// appendTo appends the record's bytes under the token tok of 23 bytes.
func (r *record) appendTo(dst []byte, tok, key, codec string) []byte {
	start := len(dst)
	kind, flags := byte(kindValue), byte(0)
	if r.negative {
		kind, flags = kindNegative, flagNegative
	}
	if r.compressed {
		flags |= flagCompressed
	}
	dst = append(dst, kind)
	dst = append(dst, tok...)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, flags, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, saturate(r.cost.Microseconds()))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.fresh))
	dst = binary.BigEndian.AppendUint32(dst, saturate(r.stale-r.fresh))
	dst = binary.BigEndian.AppendUint32(dst, saturate(r.keep-r.fresh))
	dst = binary.BigEndian.AppendUint64(dst, r.prefix)
	dst = append(dst, r.payload...)
	b := dst[start:]
	binary.BigEndian.PutUint32(b[32:], checksum(b, key, codec))
	return dst
}

// parseRecord reads a V, N or X. The payload is part of b.
func parseRecord(b []byte, key, codec string) (r record, err error) {
	if len(b) < recordSize || b[0] != kindValue && b[0] != kindNegative && b[0] != kindExpired {
		return r, errCorrupt
	}
	flags := b[31]
	r.expired, r.negative, r.compressed = b[0] == kindExpired, flags&flagNegative != 0, flags&flagCompressed != 0
	if r.negative != (b[0] == kindNegative) || binary.BigEndian.Uint32(b[32:]) != checksum(b, key, codec) {
		return r, errCorrupt
	}
	r.cost = time.Duration(binary.BigEndian.Uint32(b[36:])) * time.Microsecond
	r.fresh = int64(binary.BigEndian.Uint64(b[40:]))
	r.stale = r.fresh + int64(binary.BigEndian.Uint32(b[48:]))
	r.keep = r.fresh + int64(binary.BigEndian.Uint32(b[52:]))
	r.prefix = binary.BigEndian.Uint64(b[56:])
	r.payload = b[recordSize:]
	return r, nil
}

// checksum covers what no script changes: not the kind, the token and the claim.
func checksum(b []byte, key, codec string) uint32 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(codec) // a Digest's writes cannot fail
	_, _ = d.WriteString("\x00")
	_, _ = d.WriteString(key)
	_, _ = d.WriteString("\x00")
	_, _ = d.Write(b[31:32])
	_, _ = d.Write(b[36:])
	return uint32(d.Sum64())
}

func saturate(n int64) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) }
