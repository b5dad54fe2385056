package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWriteLetters_showsBothLettersInAllLanguages(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, writeLetters(t.Context(), folder))
	for locale, all := range map[string]string{
		"en-GB": "See all 7 notifications", "es-MX": "Ver las 7 notificaciones", "pt-BR": "Ver todas as 7 notificações",
		"ru": "Показать все уведомления (7)", "de-AT": "Alle 7 Benachrichtigungen ansehen", "ar-EG": "عرض كل الإشعارات (7)",
	} {
		digest, err := os.ReadFile(filepath.Join(folder, locale+"-digest.html"))
		require.NoError(t, err)
		assert.Contains(t, string(digest), ">"+all+"</a>")
		assert.Equal(t, 5, strings.Count(string(digest), "<h2"), "five of seven")
		letter, err := os.ReadFile(filepath.Join(folder, locale+"-letter.html"))
		require.NoError(t, err)
		assert.Equal(t, locale == "ar-EG", strings.Contains(string(letter), `dir="rtl"`))
	}
}
