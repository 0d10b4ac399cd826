; A stand-in for the frozen program, to try the installer with: it writes its command line into
; %TEMP%\seen.txt, and stays for 20 seconds where that holds the word "stay".
Unicode true
Target amd64-unicode
RequestExecutionLevel user
SilentInstall silent
OutFile "${OUTPUT}"
Name "Stand-in"
!include "LogicLib.nsh"
!include "StrFunc.nsh"
${StrStr}
Section
  FileOpen $0 "$TEMP\seen.txt" w
  FileWriteUTF16LE $0 "$CMDLINE"
  FileClose $0
  ${StrStr} $1 "$CMDLINE" " stay"
  ${If} $1 != ""
    Sleep 20000
  ${EndIf}
SectionEnd
