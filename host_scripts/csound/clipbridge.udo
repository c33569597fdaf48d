; Clipbridge for Csound: ask for a clip, follow the job, play the clip. See README.md.
;
;   iclip            clip_ask     Sprompt, iseconds [, Skeys [, Sinstr]]          ask once, when the instrument starts
;   kclip            clip_ask     ktrigger, Sprompt, kseconds, Skeys, Sinstr      ask each time ktrigger is not 0
;   kstate, kpart    clip_state   iclip       0 asked, 1 working (kpart 0..1), 2 ready, -1 failed, -2 cancelled, -3 no answer
;   Spath            clip_path    iclip       the path of the file, "" until state 2
;   Swhy             clip_why     iclip       the reason of a failure
;   aleft, aright    clip_play    iclip [, igain [, iloop]]                       play the file from the disk, unchanged
;   itable           clip_table   iclip       the file in a table, unchanged
;                    clip_cancel  iclip       (or clip_cancel ktrigger, kclip)
;
; Skeys are keys of generate as in Pure Data and Max: "@preset drum @seed 7", "@bars 2 @bpm 126" (with 0 seconds). A value with spaces
; is written in double quotes: "@vary \"/music/a kick.wav\" @strength 0.4" (the prompt may then be "").
; Sinstr is started when the clip is ready: p4 is the clip, p3 its length.

#ifndef CLIPBRIDGE_HOST
#define CLIPBRIDGE_HOST #127.0.0.1#
#end
#ifndef CLIPBRIDGE_PORT
#define CLIPBRIDGE_PORT #57200#
#end
; Csound needs a fixed port for answers; two Csounds at the same time need two ports.
#ifndef CLIPBRIDGE_REPLY_PORT
#define CLIPBRIDGE_REPLY_PORT #57230#
#end

; The beginning of our ids: no other Csound has this port now, and no earlier one had this time.
gi_clipbridge_started date
gS_clipbridge_id sprintf "csound-%d-%.0f-", $CLIPBRIDGE_REPLY_PORT, gi_clipbridge_started * 1000

; The state of a clip is in channels whose names begin with its id: csound-57230-1795299053947-7.state
opcode clip_field, S, iS
  iclip, Sfield xin
  Sname sprintf "%s%d.%s", gS_clipbridge_id, iclip, Sfield
  xout Sname
endop

opcode clip_field, S, kS
  kclip, Sfield xin
  Sname sprintfk "%s%d.%s", gS_clipbridge_id, kclip, Sfield
  xout Sname
endop

; The only instrument that reads the port: it writes each answer to the channels of its id.
instr ClipbridgeListener
  SAnswer[] init 40
  k0, k1, k2, k3, k4 init 0, 1, 2, 3, 4 ; a literal index would be read only at init time
  know rtclock
  kread = 0
  while kread < 32 do
    kread += 1
    SAnswer, kcount OSCraw $CLIPBRIDGE_REPLY_PORT
    if kcount < 3 then
      kread = 32
    else
      Saddress strcpyk SAnswer[k0]
      Stypes strcpyk SAnswer[k1]
      Sid strcpyk SAnswer[k2]
      ; An error has no id, but its sentence names the unknown job in quotes.
      kunknown = 0
      if strcmpk(Saddress, "/bridge/error") == 0 && strcmpk(Sid, "/bridge/job") == 0 && kcount == 5 then
        kunknown = 1
        kplace strindexk SAnswer[k4], "'"
        Sid strsubk SAnswer[k4], kplace + 1, -1
        kplace strindexk Sid, "'"
        Sid strsubk Sid, 0, kplace
      endif
      kours strindexk Sid, gS_clipbridge_id
      if kours == 0 then
        Sfield strcatk Sid, ".heard"
        chnset know, Sfield
        Sstate strcatk Sid, ".state"
        kstate chnget Sstate
        if kstate == 0 || kstate == 1 || kstate == -3 then ; a finished job keeps its state
          kstate = 1
          if strcmpk(Saddress, "/bridge/progress") == 0 && strcmpk(Stypes, ",sf") == 0 then
            Snumber strcatk "0", SAnswer[k3] ; strtodk must never get an empty text, not even at init time
            kpart strtodk Snumber
            Sfield strcatk Sid, ".part"
            chnset kpart, Sfield
          elseif strcmpk(Saddress, "/bridge/done") == 0 && strindexk(Stypes, ",ssf") == 0 then
            kstate = 2
            Sfield strcatk Sid, ".path"
            chnsetks SAnswer[k3], Sfield
            Snumber strcatk "0", SAnswer[k4]
            kseconds strtodk Snumber
            Sfield strcatk Sid, ".seconds"
            chnset kseconds, Sfield
            Sfield strcatk Sid, ".part"
            chnset k(1), Sfield
          elseif strcmpk(Saddress, "/bridge/failed") == 0 && kcount == 5 then
            kstate = -1
            Sfield strcatk Sid, ".why"
            chnsetks SAnswer[k4], Sfield
          elseif strcmpk(Saddress, "/bridge/cancelled") == 0 then
            kstate = -2
          elseif kunknown == 1 then
            kstate = -1
            Sfield strcatk Sid, ".why"
            chnsetks "Clipbridge was restarted and does not know this clip: ask for it again.", Sfield
          endif
          chnset kstate, Sstate
        endif
      endif
    endif
  od
endin

; One job, from request to end. It continues after the instrument that asked has ended.
instr ClipbridgeJob
  iclip = p4
  Sstate clip_field iclip, "state"
  Sheard clip_field iclip, "heard"
  Sseconds clip_field iclip, "seconds"
  Swhy clip_field iclip, "why"
  Sprompt chnget clip_field(iclip, "prompt")
  Skeys chnget clip_field(iclip, "keys")
  Sinstr chnget clip_field(iclip, "instr")
  iseconds chnget clip_field(iclip, "seconds")
  Sid sprintf "%s%d", gS_clipbridge_id, iclip

  ; The ask as words: the prompt, the seconds, then keys, one atom each; numbers may be text. The daemon reads keys up to
  ; the first invalid one, so those that say where the answer goes come before the user's.
  SAtom[] init 20
  SAtom[0] = Sprompt
  icount = 1
  if iseconds > 0 then
    Satom sprintf "%.6f", iseconds
    SAtom[1] = Satom
    icount = 2
  endif
  Sport sprintf "%d", $CLIPBRIDGE_REPLY_PORT
  SAtom[icount] = "@id"
  SAtom[icount + 1] = Sid
  SAtom[icount + 2] = "@reply_port"
  SAtom[icount + 3] = Sport
  icount += 4
  Srest = Skeys
  while strlen(Srest) > 0 && icount < 20 do
    Send = " "
    if strchar(Srest, 0) == 34 then ; a value in double quotes, such as a path, keeps its spaces
      Send = "\""
      Sleft strsub Srest, 1, -1
      Srest = Sleft
    endif
    ispace strindex Srest, Send
    if ispace < 0 then
      Satom = Srest
      Srest = ""
    else
      Satom strsub Srest, 0, ispace
      Sleft strsub Srest, ispace + 1, -1
      Srest = Sleft
    endif
    if strlen(Satom) > 0 then
      SAtom[icount] = Satom
      icount += 1
    endif
  od
  if strlen(Srest) > 0 then
    prints "Clipbridge: \"%s\": too many keys; these were not sent: %s\n", Sprompt, Srest
  endif
  ; OSCsend itself reads beyond the end of a list of types that is shorter than its values.
  Stypes strsub "ssssssssssssssssssss", 0, icount

  know rtclock
  kbegan init -1
  ksilent init 0
  kstarted init 0
  kask init 0
  klook init 0
  klooked init 0
  if kbegan < 0 then
    kbegan = know
    kask = 1
  endif
  kstate chnget Sstate
  kheard chnget Sheard
  ; No answer for a second: send it again. The same id is the same job, so no second clip is made.
  if kheard == 0 && kask == 1 && know - kbegan > 1 then
    kask = 2
  endif
  OSCsend_lo kask, "$CLIPBRIDGE_HOST", $CLIPBRIDGE_PORT, "/bridge/generate/words", Stypes, SAtom[0], SAtom[1], SAtom[2], SAtom[3], SAtom[4], SAtom[5], SAtom[6], SAtom[7], SAtom[8], SAtom[9], SAtom[10], SAtom[11], SAtom[12], SAtom[13], SAtom[14], SAtom[15], SAtom[16], SAtom[17], SAtom[18], SAtom[19]
  ; Silence: a reply may be lost, so ask for the job's last event.
  if kheard > 0 && know - kheard > 3 && know - klooked > 3 then
    klooked = know
    klook += 1
  endif
  if klook > 0 then
    OSCsend_lo klook, "$CLIPBRIDGE_HOST", $CLIPBRIDGE_PORT, "/bridge/job", "ssi", Sid, "reply_port", $CLIPBRIDGE_REPLY_PORT
  endif
  kunheard = kheard == 0 ? know - kbegan : know - kheard - 3
  if ksilent == 0 && kunheard > 2 then
    ksilent = 1
    klistens active "ClipbridgeListener"
    if klistens > 0 then
      printf "Clipbridge does not answer on port %d: start it with: clipbridge run\n", 1, $CLIPBRIDGE_PORT
    else
      printf "Clipbridge: port %d of this machine is taken by another program, so no answer can be heard. Give Csound another one: --omacro:CLIPBRIDGE_REPLY_PORT=%d\n", 1, $CLIPBRIDGE_REPLY_PORT, $CLIPBRIDGE_REPLY_PORT + 1
    endif
    chnset k(-3), Sstate
  elseif ksilent == 1 && kheard > 0 && know - kheard < 3 then
    ksilent = 0
  endif

  if kstate == 2 then
    if strlen(Sinstr) > 0 then
      kseconds chnget Sseconds
      schedulek Sinstr, 0, kseconds + 1 / kr, iclip
    endif
    turnoff
  elseif kstate == -1 then
    Swhytext chngetks Swhy
    printf "Clipbridge: \"%s\": %s\n", 1, Sprompt, Swhytext
    turnoff
  elseif kstate == -2 || kunheard > 30 then
    turnoff
  endif
endin

instr ClipbridgeCancel
  Sid sprintf "%s%d", gS_clipbridge_id, p4
  OSCsend_lo 1, "$CLIPBRIDGE_HOST", $CLIPBRIDGE_PORT, "/bridge/cancel", "ssi", Sid, "reply_port", $CLIPBRIDGE_REPLY_PORT
  turnoff
endin

opcode clip_ask, i, SiSS
  Sprompt, iseconds, Skeys, Sinstr xin
  iclip chnget "clipbridge.count"
  iclip += 1
  chnset iclip, "clipbridge.count"
  Sfield clip_field iclip, "prompt"
  chnset Sprompt, Sfield
  Sfield clip_field iclip, "keys"
  chnset Skeys, Sfield
  Sfield clip_field iclip, "instr"
  chnset Sinstr, Sfield
  Sfield clip_field iclip, "seconds"
  chnset iseconds, Sfield
  schedule "ClipbridgeJob", 0, 3600, iclip
  xout iclip
endop

opcode clip_ask, i, SiS
  Sprompt, iseconds, Skeys xin
  iclip clip_ask Sprompt, iseconds, Skeys, ""
  xout iclip
endop

opcode clip_ask, i, Si
  Sprompt, iseconds xin
  iclip clip_ask Sprompt, iseconds, "", ""
  xout iclip
endop

opcode clip_ask, k, kSkSS
  ktrigger, Sprompt, kseconds, Skeys, Sinstr xin
  kclip init 0
  if ktrigger != 0 then
    kclip chnget "clipbridge.count"
    kclip += 1
    chnset kclip, "clipbridge.count"
    Sfield clip_field kclip, "prompt"
    chnsetks Sprompt, Sfield
    Sfield clip_field kclip, "keys"
    chnsetks Skeys, Sfield
    Sfield clip_field kclip, "instr"
    chnsetks Sinstr, Sfield
    Sfield clip_field kclip, "seconds"
    chnset kseconds, Sfield
    schedulek "ClipbridgeJob", 0, 3600, kclip
  endif
  xout kclip
endop

opcode clip_state, kk, k
  kclip xin
  Sfield clip_field kclip, "state"
  kstate chnget Sfield
  Sfield clip_field kclip, "part"
  kpart chnget Sfield
  xout kstate, kpart
endop

opcode clip_path, S, i
  iclip xin
  Sfield clip_field iclip, "path"
  Spath chnget Sfield
  xout Spath
endop

opcode clip_path, S, k
  kclip xin
  Sfield clip_field kclip, "path"
  Spath chngetks Sfield
  xout Spath
endop

opcode clip_why, S, k
  kclip xin
  Sfield clip_field kclip, "why"
  Swhy chngetks Sfield
  xout Swhy
endop

opcode clip_cancel, 0, i
  iclip xin
  schedule "ClipbridgeCancel", 0, 1, iclip
endop

opcode clip_cancel, 0, kk
  ktrigger, kclip xin
  if ktrigger != 0 then
    schedulek "ClipbridgeCancel", 0, 1, kclip
  endif
endop

opcode clip_play, aa, ijo
  iclip, igain, iloop xin
  Spath clip_path iclip
  aleft init 0
  aright init 0
  if strlen(Spath) == 0 then
    prints "Clipbridge: clip %d is not ready yet: nothing is played\n", iclip
  elseif filenchnls(Spath) == 2 then
    aleft, aright diskin2 Spath, 1, 0, iloop
  else
    aleft diskin2 Spath, 1, 0, iloop
    aright = aleft
  endif
  igain = igain < 0 ? 1 : igain
  xout aleft * igain, aright * igain
endop

opcode clip_table, i, i
  iclip xin
  Spath clip_path iclip
  itable = 0
  if strlen(Spath) == 0 then
    prints "Clipbridge: clip %d is not ready yet: there is no table\n", iclip
  else
    itable ftgenonce 0, 0, 0, -1, Spath, 0, 0, 0 ; -1: not rescaled
  endif
  xout itable
endop

; Listen before the first request, for as long as Csound runs.
schedule "ClipbridgeListener", 0, -1
