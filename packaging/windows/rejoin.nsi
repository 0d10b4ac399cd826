; The installer for Windows, for one user and without an administrator. build.py compiles it and
; gives VERSION, FOUR (numbers), OUTPUT, ICON, SIZE_KB and FILES, a folder with two lists made from
; the frozen program: install.nsh puts each file, remove.nsh removes each file and nothing else.
;
; Silent: /S. Another folder: /D=C:\... as the last argument. Exit codes: 0 done, 1 cancelled,
; 2 Rejoin is running or a file cannot be written.

Unicode true
Target amd64-unicode
ManifestDPIAware true
ManifestSupportedOS Win10
SetCompressor /SOLID lzma
RequestExecutionLevel user

!include "MUI2.nsh"
!include "LogicLib.nsh"

Name "Rejoin"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\Rejoin"
InstallDirRegKey HKCU "Software\Microsoft\Windows\CurrentVersion\Uninstall\Rejoin" "InstallLocation"
BrandingText "Rejoin ${VERSION}"
AllowSkipFiles off

VIProductVersion "${FOUR}"
VIAddVersionKey "ProductName" "Rejoin"
VIAddVersionKey "FileDescription" "Rejoin, installer"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "The Rejoin developers, Apache License 2.0"

!define PROGRAM "rejoin-home.exe"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Rejoin"
!define SCHEME "Software\Classes\rejoin"
!define OPEN_LINK '"$INSTDIR\${PROGRAM}" home "%1"'

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_RUN "$INSTDIR\${PROGRAM}"
!define MUI_FINISHPAGE_RUN_PARAMETERS "home"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "German"
!insertmacro MUI_LANGUAGE "Japanese"

LangString IN_USE ${LANG_ENGLISH} "Rejoin is running. Close it, then try again."
LangString IN_USE ${LANG_GERMAN} "Rejoin läuft noch. Schließen Sie es und versuchen Sie es erneut."
LangString IN_USE ${LANG_JAPANESE} "Rejoin が起動しています。終了してからもう一度お試しください。"

; A program that runs cannot be opened for writing.
!macro REFUSE_WHILE_RUNNING NAME
  ${If} ${FileExists} "$INSTDIR\${NAME}"
    ClearErrors
    FileOpen $0 "$INSTDIR\${NAME}" a
    ${If} ${Errors}
      MessageBox MB_ICONEXCLAMATION|MB_OK "$(IN_USE)" /SD IDOK
      SetErrorLevel 2
      Quit
    ${EndIf}
    FileClose $0
  ${EndIf}
!macroend

Section
  !insertmacro REFUSE_WHILE_RUNNING "rejoin.exe"
  !insertmacro REFUSE_WHILE_RUNNING "${PROGRAM}"

  ; The version before takes its own files with it; settings and tickets are not among them.
  ReadRegStr $1 HKCU "${UNINSTALL}" "InstallLocation"
  ${If} $1 != ""
  ${AndIf} ${FileExists} "$1\uninstall.exe"
    ExecWait '"$1\uninstall.exe" /S _?=$1' $2
    ${If} $2 != 0
      SetErrorLevel 2
      Quit
    ${EndIf}
    Delete "$1\uninstall.exe"
    RMDir "$1"
  ${EndIf}

  ClearErrors
  !include "${FILES}/install.nsh"
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  ${If} ${Errors}
    SetErrorLevel 2
    Quit
  ${EndIf}

  CreateShortcut "$SMPROGRAMS\Rejoin.lnk" "$INSTDIR\${PROGRAM}" "home" "$INSTDIR\${PROGRAM}" 0

  WriteRegStr HKCU "${SCHEME}" "" "URL:Rejoin"
  WriteRegStr HKCU "${SCHEME}" "URL Protocol" ""
  WriteRegStr HKCU "${SCHEME}\DefaultIcon" "" '"$INSTDIR\${PROGRAM}",0'
  WriteRegStr HKCU "${SCHEME}\shell\open\command" "" '${OPEN_LINK}'

  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Rejoin"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\${PROGRAM}"
  WriteRegStr HKCU "${UNINSTALL}" "Publisher" "The Rejoin developers"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" ${SIZE_KB}
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
SectionEnd

Section "Uninstall"
  !insertmacro REFUSE_WHILE_RUNNING "rejoin.exe"
  !insertmacro REFUSE_WHILE_RUNNING "${PROGRAM}"
  SetOutPath "$TEMP"
  !include "${FILES}/remove.nsh"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Rejoin.lnk"
  ; Another program may have taken the links since.
  ReadRegStr $0 HKCU "${SCHEME}\shell\open\command" ""
  ${If} $0 == '${OPEN_LINK}'
    DeleteRegKey HKCU "${SCHEME}"
  ${EndIf}
  DeleteRegKey HKCU "${UNINSTALL}"
SectionEnd
