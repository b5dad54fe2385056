package sqlstore

import "time"

// micros is t as it is stored: unix microseconds, 0 for the zero time. The
// instant 1970-01-01T00:00:00Z itself would read back as zero, so that no
// column holds what a host supplies but for comparing it with the clock.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is the inverse of micros.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// stored is t as it reads back.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
