package memory

import (
	"iter"
	"slices"
	"sort"
)

// chunkSize bounds how many elements an insertion or removal has to move.
const chunkSize = 256

// ordered is a sorted set, cut into chunks. No two elements may compare equal.
// Most of what is inserted here is newer than all the rest, so appending is
// the fast path. It must not be changed while it is iterated over.
type ordered[T any] struct {
	compare func(a, b T) int
	chunks  [][]T // none is empty
	length  int
}

func (o *ordered[T]) insert(v T) {
	o.length++
	last := len(o.chunks) - 1
	if last < 0 || o.compare(o.chunks[last][len(o.chunks[last])-1], v) < 0 {
		if last < 0 || len(o.chunks[last]) == chunkSize {
			o.chunks = append(o.chunks, []T{v})
			return
		}
		o.chunks[last] = append(o.chunks[last], v)
		return
	}
	c, i := o.seek(func(e T) int { return o.compare(e, v) })
	chunk := slices.Insert(o.chunks[c], i, v)
	if len(chunk) > chunkSize {
		tail := slices.Clone(chunk[chunkSize/2:])
		chunk = slices.Delete(chunk, chunkSize/2, len(chunk))
		o.chunks = slices.Insert(o.chunks, c+1, tail)
	}
	o.chunks[c] = chunk
}

// remove takes the element out that compares equal to v.
func (o *ordered[T]) remove(v T) {
	c, i := o.seek(func(e T) int { return o.compare(e, v) })
	if c == len(o.chunks) || o.compare(o.chunks[c][i], v) != 0 {
		return
	}
	o.length--
	if len(o.chunks[c]) == 1 {
		o.chunks = slices.Delete(o.chunks, c, c+1)
		return
	}
	o.chunks[c] = slices.Delete(o.chunks[c], i, i+1)
}

// seek finds the first element that does not come before a place. The sign of
// rank tells where an element is: below zero is before the place.
func (o *ordered[T]) seek(rank func(T) int) (chunk, index int) {
	chunk = sort.Search(len(o.chunks), func(c int) bool {
		return rank(o.chunks[c][len(o.chunks[c])-1]) >= 0
	})
	if chunk == len(o.chunks) {
		return chunk, 0
	}
	elements := o.chunks[chunk]
	return chunk, sort.Search(len(elements), func(i int) bool { return rank(elements[i]) >= 0 })
}

// find returns the element at a place, if there is one.
func (o *ordered[T]) find(rank func(T) int) (v T, ok bool) {
	c, i := o.seek(rank)
	if c == len(o.chunks) || rank(o.chunks[c][i]) != 0 {
		return v, false
	}
	return o.chunks[c][i], true
}

func (o *ordered[T]) first() (v T, ok bool) {
	if len(o.chunks) == 0 {
		return v, false
	}
	return o.chunks[0][0], true
}

// countBefore counts the elements before a place.
func (o *ordered[T]) countBefore(rank func(T) int) int {
	c, i := o.seek(rank)
	for _, chunk := range o.chunks[:c] {
		i += len(chunk)
	}
	return i
}

// all yields everything in ascending order.
func (o *ordered[T]) all() iter.Seq[T] { return o.ascend(0, 0) }

// from yields what does not come before a place, in ascending order.
func (o *ordered[T]) from(rank func(T) int) iter.Seq[T] { return o.ascend(o.seek(rank)) }

// backward yields everything in descending order.
func (o *ordered[T]) backward() iter.Seq[T] { return o.descend(len(o.chunks), 0) }

// before yields what comes before a place, in descending order.
func (o *ordered[T]) before(rank func(T) int) iter.Seq[T] { return o.descend(o.seek(rank)) }

func (o *ordered[T]) ascend(c, i int) iter.Seq[T] {
	return func(yield func(T) bool) {
		for c, i := c, i; c < len(o.chunks); c, i = c+1, 0 {
			for _, v := range o.chunks[c][i:] {
				if !yield(v) {
					return
				}
			}
		}
	}
}

func (o *ordered[T]) descend(c, i int) iter.Seq[T] {
	return func(yield func(T) bool) {
		for c, i := c, i-1; ; i-- {
			for i < 0 {
				if c--; c < 0 {
					return
				}
				i = len(o.chunks[c]) - 1
			}
			if !yield(o.chunks[c][i]) {
				return
			}
		}
	}
}
