package size

// The parts of Go's map: a header, then tables of groups of eight slots, each
// group with a word of control bytes. A map of up to eight entries is one group
// without a table; a larger one doubles when seven eighths full.
const (
	mapHeader   = 48
	mapTable    = 40
	mapGroup    = 8
	maxSlotPart = 128 // a larger key or element is a block of its own
)

// table returns the bytes of a map of n entries, without what keys and elements
// reach. How full its tables are is not to be seen, so it takes a map that grew
// to its length.
func table(n int, s *shape) int64 {
	slot, apart := int64(0), int64(0)
	for _, part := range []*shape{s.key, s.elem} {
		if part.size > maxSlotPart {
			slot += word
			apart += block(part.size)
		} else {
			slot += part.size
		}
	}
	slot = (slot + word - 1) / word * word

	total := mapHeader + int64(n)*apart
	if n == 0 {
		return total // its first group comes with its first entry
	}
	slots := int64(mapGroup)
	if n > mapGroup {
		total += mapTable
		for slots *= 2; slots*7/8 < int64(n); slots *= 2 {
		}
	}
	return total + block(slots/mapGroup*(8+mapGroup*slot))
}
