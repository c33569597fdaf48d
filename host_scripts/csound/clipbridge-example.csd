<CsoundSynthesizer>
<CsOptions>
; Your sound card. Clips take time, so use real-time sound, not rendering to a file.
-odac
</CsOptions>
<CsInstruments>
sr = 48000 ; the rate of the clips: they are played unchanged
ksmps = 64
nchnls = 2
0dbfs = 1
#include "clipbridge.udo"

; Ask for three clips, one of them a bar long; each is played as soon as it is ready.
instr Ask
  ikick clip_ask "deep warm kick", 1, "@preset drum", "Play"
  iloop clip_ask "shaker", 0, "@bars 1 @bpm 120", "PlayLooped"
  ibell clip_ask "glassy bell a4", 2, "@preset note @seed 7", "Play"

  kstate, kpart clip_state ibell
  printf "bell: state %d, %3.0f %%\n", changed2(kstate, int(kpart * 10)) * (1 + kpart), kstate, kpart * 100
endin

instr Play
  Spath clip_path p4
  prints "PLAYS %s\n", Spath
  aleft, aright clip_play p4
  outs aleft, aright
endin

; Plays the clip four times: p3 is the length of one.
instr PlayLooped
  p3 *= 4
  Spath clip_path p4
  prints "PLAYS %s\n", Spath
  aleft, aright clip_play p4, 0.5, 1
  outs aleft, aright
endin
</CsInstruments>
<CsScore>
i "Ask" 0 20
e 20
</CsScore>
</CsoundSynthesizer>
