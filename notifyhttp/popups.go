package notifyhttp

import (
	"sync"

	"github.com/bellwether-go/notify"
)

// popUps keeps the texts of the newest pop-ups: one goes to thousands of readers
// within moments, and is made once.
type popUps struct {
	mu    sync.Mutex
	texts map[popUp][]byte
	order [256]popUp // of the texts, in turn: more than a reader lags behind
	next  int
}

// popUp is what a text depends on. The title of the provider may be another for
// each reader.
type popUp struct {
	id       notify.ID
	provider providerJSON
}

const maxPopUpText = 8 << 10 // bytes; longer ones are not kept

// text is the JSON of a pop-up, which nobody changes.
func (p *popUps) text(it *notify.Item, provider providerJSON) []byte {
	key := popUp{it.ID, provider}
	p.mu.Lock()
	defer p.mu.Unlock()
	text, ok := p.texts[key]
	if ok {
		return text
	}
	if text = itemText(it, provider); len(text) > maxPopUpText {
		return text
	}
	if p.texts == nil {
		p.texts = make(map[popUp][]byte)
	}
	delete(p.texts, p.order[p.next])
	p.texts[key], p.order[p.next] = text, key
	p.next = (p.next + 1) % len(p.order)
	return text
}
