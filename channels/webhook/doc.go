// Package webhook is the channel to other programs: a POST of JSON to a URL,
// signed as Standard Webhooks (https://www.standardwebhooks.com) asks, so that
// any library for that verifies it. So does [Verify], for receivers in Go.
//
// # An address
//
// Its Value is the URL and its Meta an [Endpoint] with the secret that both
// sides share, from [NewSecret]. The secret lives with the address: in the
// directory or in the registration, in the clear, as signing needs it. It is
// never logged, printed, or sent; whoever lists addresses to their owner should
// leave Meta out.
//
// # What is sent
//
//	webhook-id         the same for every attempt: what a receiver drops duplicates by
//	webhook-timestamp  of the attempt, in seconds since 1970
//	webhook-signature  "v1," and the MAC, once for each secret, with a space between
//
// The body is an [Event], the same for every attempt as long as the item is. A
// receiver has to answer within 15 s; what takes longer it should do afterwards.
//
// # What the answer means
//
//	2xx                             accepted
//	410                             the endpoint is gone: the address is removed or suppressed
//	408, 429, 5xx                   tried again, not before Retry-After
//	other 3xx and 4xx               tried again; the host is not held to be down
//	400, 405, 406, 411, 413, 414,
//	415, 417, 422, 426, 428, 431    this event will not be accepted: given up
//
// No redirect is followed. What is sent goes to addresses of the public internet
// only, at port 443, decided when the connection is made; [Options].Allow is the
// exception. Attempts end with those of [notify.RetryPolicy], after a day by
// default.
//
// There are no digests: a program that wants a summary makes it. A recipient's
// choice of daily is immediate here.
package webhook
