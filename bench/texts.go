package main

import (
	"strconv"
	"strings"
)

// What every candidate stores: texts of a usual length.
const title = "Invoice 2026-118 is due on Friday"

var body = strings.Repeat("All work and no play. ", 9)[:190]

// scale divides how much is prepared for a case. Tests raise it.
var scale = 1

// recipientNumber spreads what is sent over 10,000 recipients.
func recipientNumber(number int64, index int) int64 { return (number*31 + int64(index)) % 10_000 }

func recipientID(number int64, index int) string {
	return "user-" + strconv.FormatInt(recipientNumber(number, index), 10)
}
