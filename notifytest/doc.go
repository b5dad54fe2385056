// Package notifytest is for the tests of programs that use notify.
//
// # What does my program send, to whom, and when?
//
// [New] gives a notification center on a store in memory, whose channels are
// recorders. Inside a testing/synctest bubble it runs as in production and time
// is virtual; elsewhere it has a clock of its own. Either way [Center.Advance]
// moves on by hours at once, retries and digests come when they are due, and
// nobody sleeps:
//
//	center := notifytest.New(t, nil)
//	app := newApp(center.Notifier) // the host's own code
//	app.shipParcel(17)
//	center.RequireSent(notify.User("ann"), notify.Email, "Your parcel is on its way")
//
// What a test requires and does not find it shows beside what was there
// instead. [Center.AdvanceToDigest] goes to the instant of a recipient's daily
// letter; [Center.Letter] shows the exact letter, laid out by the channel that
// the host configured, without sending it.
//
// # Does it get through?
//
// The other half are services on loopback that stand in for the real ones:
// [NewSMTP] for a relay, [NewFCM] and [NewAPNs] for Google's and Apple's push
// services, [NewPush] for one of browsers, [NewWebhook] for a receiver of
// webhooks, [NewHTTP] for whatever a channel of one's own posts to. They check
// what they get as strictly, keep what they accept, and fail as they are told.
// They live in real time: a bubble must not touch the network.
//
// All of them are used alike. New... starts one that ends with the test. Script
// says what happens to the next requests, Answer what happens to all others.
// Accepted returns what was accepted, RootCAs what the certificate is checked
// against.
package notifytest
