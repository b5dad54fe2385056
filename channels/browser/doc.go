// Package browser is the channel that pushes to browsers: Web Push (RFC 8030),
// encrypted for the browser alone (RFC 8291) and signed with the host's key pair
// (VAPID, RFC 8292).
//
// An address is what the browser calls a subscription: the URL that its push
// service gave it, and the keys to encrypt with. [Subscription] makes one of
// the JSON that the page has, and [notify.Notifier.Register] keeps it.
//
// # What is sent
//
// One JSON object that all browsers understand: the form of Declarative Web
// Push, which some show without any code of the page, and which a service
// worker reads in the others. It has title, text, link, language, tag, up to two
// buttons, the number of unread items, and under data the ids by which a page
// finds the item. [Message] is its description.
//
// A message must fit the smallest of the records that every push service takes:
// what is too long is cut, the text first. The id and the tag always arrive.
// The link does too, unless a service refuses a message for its size and it has
// to become even smaller; then the link to the inbox takes its place.
//
// There is no daily digest here: a list that comes once a day is for reading,
// and a browser shows one line. The mode daily counts as immediate, as with
// every channel that is no [notify.DigestChannel].
//
// # What is promised
//
// A push counts as delivered when the push service has taken it, whatever the
// browser does. When the answer is lost, it comes again with the same topic and
// tag, so that a push service which still holds the first replaces it, and a
// browser which shows it shows it once. Notifications with the same collapse key
// replace each other in the same way.
//
// # What is refused
//
// The URL of a subscription is chosen by whoever registers it. It has to be
// https at port 443 and name a host of the public internet; no proxy is used, no
// redirect is followed, and every address is checked when it is dialled.
package browser
