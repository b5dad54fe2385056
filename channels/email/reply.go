package email

import "strings"

// maxExcerpt is how much of a relay's answer is told, in characters.
const maxExcerpt = 200

// explain makes the relay's words fit to be stored and shown: one bounded line
// without controls, addresses and secrets. What it says while it authenticates
// may repeat credentials in any encoding, so nothing of that is told.
func (c *Channel) explain(f *failure, to string) *failure {
	if f == nil || f.text == "" {
		return f
	}
	if f.stage == stageAuth {
		f.text = ""
		return f
	}
	local, _, _ := strings.Cut(strings.ToLower(to), "@")
	words := strings.FieldsFunc(oneLine(strings.ToValidUTF8(f.text, "?")), func(r rune) bool { return r == ' ' })
	for i, w := range words {
		if c.tells(strings.ToLower(w), local) {
			words[i] = "[…]"
		}
	}
	f.text = shorten(strings.Join(words, " "), maxExcerpt)
	return f
}

// tells reports whether a word of the relay gives away an address, also in the
// encodings in which relays write them, or a credential.
func (c *Channel) tells(word, local string) bool {
	for _, at := range []string{"@", "=40", "%40", "+40"} {
		if strings.Contains(word, at) {
			return true
		}
	}
	for _, private := range []string{local, strings.ToLower(c.o.Username), strings.ToLower(c.o.Password)} {
		if private == "" {
			continue
		}
		// A short one is part of too many words to be looked for inside them.
		if strings.Trim(word, `"'<>()[]{}.,;:`) == private || len(private) > 2 && strings.Contains(word, private) {
			return true
		}
	}
	return false
}
