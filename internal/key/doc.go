// Package key is the syntax of an encoded key: the name of a cache and the
// segments of one of its keys, as a string. It is what Redis, the messages of
// the link and the tables of invalidated prefixes hold.
//
// Segments are joined with ':', so that a key reads well in redis-cli and a
// prefix of segments is a prefix of the string:
//
//	users:42
//	feed:42:2026-01-02
//
// Any sequence of any strings has exactly one key, and no other sequence has
// it. Inside a segment the bytes ':' and '%', '{' and '}' (they would choose
// the slot in Redis Cluster) and the ASCII control bytes are written as '%' and
// two upper-case hexadecimal digits; all others stand for themselves, be they
// valid UTF-8 or not. An empty segment is written as nothing, as in "users::",
// but for an empty first one, which is a lone '%': the empty string is the key
// of no segments, the root that covers all others.
//
// Keys are plain strings. Only [Split] checks them; [Covers] and [Ancestors]
// answer for any string, and say something about segments only for a key.
package key
