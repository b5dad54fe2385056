// Package email is the e-mail channel: one letter for each notification, and
// one digest a day of what is still unread.
//
// A letter has a text and an HTML part with the same content, in the language
// and the time zone of its recipient, and nothing remote but the logo, if
// [Brand] names one. It leaves through one relay, the mail server that the host
// is allowed to use; signing with DKIM is the relay's work, and its signature
// should cover List-Unsubscribe and List-Unsubscribe-Post.
//
// [Channel.Preview] and [Channel.PreviewDigest] show any letter without sending
// it.
//
// # What is promised
//
// A letter counts as delivered when the relay has answered 250 after the final
// dot, whatever happens afterwards. When that answer is lost the outcome is
// unknown and the letter comes again with the same Message-ID, Date and MIME
// boundary, an immediate one byte for byte. A letter that could not be written
// to its end is never finished by us, so that no relay accepts half of it.
//
// # What is refused
//
// Local parts of addresses must be ASCII that needs no quotes; domains may be
// international and are written in their ASCII form. Links must be absolute and
// http, https or mailto. NUL, malformed UTF-8, and control characters in an
// address or a link are refused as a [notify.InvalidError]. Line breaks and
// other control characters in a name or a title become one space, and
// bidirectional controls are dropped there: neither can reach a header.
//
// A letter is at most 30 KB and a digest of five 60 KB, both encoded: texts
// that would make it longer are shortened, then rows and actions left out.
// Only links close to the limit of 2,048 bytes, or templates of the host's own,
// can push it above.
package email
