#!/bin/sh
# What install.sh says, in Russian, Kazakh and Kyrgyz. The English sentence is the key; %s are filled in by install.sh.
# tests/deploy/test_install.py checks that no sentence is missing here.

translate() { # translate LANGUAGE SENTENCE
    case "$2" in
        'Expected the right to install (root). Next step:  sudo sh %s')
            ru='Нужны права администратора. Наберите:  sudo sh %s'
            kk='Әкімші құқығы керек. Теріңіз:  sudo sh %s'
            ky='Администратордун укугу керек. Териңиз:  sudo sh %s'
            ;;
        'Expected Debian, Ubuntu or Raspberry Pi OS, found: %s')
            ru='Нужна Debian, Ubuntu или Raspberry Pi OS, а здесь: %s'
            kk='Debian, Ubuntu немесе Raspberry Pi OS керек, мұнда: %s'
            ky='Debian, Ubuntu же Raspberry Pi OS керек, бул жерде: %s'
            ;;
        'Expected 500 MB of free disk, found %s MB. Free some space and start again.')
            ru='Нужно 500 МБ на диске, свободно %s МБ. Освободите место и начните снова.'
            kk='Дискіде 500 МБ керек, бос орын %s МБ. Орын босатып, қайта бастаңыз.'
            ky='Дискте 500 МБ керек, бош орун %s МБ. Орун бошотуп, кайра баштаңыз.'
            ;;
        'Note: on %s some parts are compiled here; if that fails:  sudo apt-get install build-essential python3-dev')
            ru='На %s часть программы собирается на месте; при ошибке:  sudo apt-get install build-essential python3-dev'
            kk='%s: кейбір бөліктер осында құрастырылады; қате болса:  sudo apt-get install build-essential python3-dev'
            ky='%s: айрым бөлүктөр ушул жерде курулат; ката болсо:  sudo apt-get install build-essential python3-dev'
            ;;
        'Expected Python 3.11 or newer, found %s, and this system offers no newer one. Next step: Debian 12 or Ubuntu 24.04.')
            ru='Нужен Python 3.11 или новее, а здесь %s, и новее в системе нет. Установите Debian 12 или Ubuntu 24.04.'
            kk='Python 3.11 не одан жаңасы керек, мұнда %s, жаңасы жүйеде жоқ. Debian 12 немесе Ubuntu 24.04 орнатыңыз.'
            ky='Python 3.11 же андан жаңысы керек, бул жерде %s, жаңысы системада жок. Debian 12 же Ubuntu 24.04 орнотуңуз.'
            ;;
        'Missing: %s. Install with apt-get?')
            ru='Не хватает: %s. Установить через apt-get?'
            kk='Жетіспейді: %s. apt-get арқылы орнатылсын ба?'
            ky='Жетишпейт: %s. apt-get аркылуу орнотулсунбу?'
            ;;
        'Nothing was changed. Next step:  sudo apt-get install %s')
            ru='Ничего не изменено. Наберите:  sudo apt-get install %s'
            kk='Ештеңе өзгерген жоқ. Теріңіз:  sudo apt-get install %s'
            ky='Эч нерсе өзгөргөн жок. Териңиз:  sudo apt-get install %s'
            ;;
        "Port 53 is taken by systemd-resolved's local stub. Switch the stub off? (This machine keeps its DNS.)")
            ru='Порт 53 занят службой systemd-resolved. Отключить её локальный порт? (DNS этой машины сохранится.)'
            kk='53-портты systemd-resolved қызметі алып тұр. Оның жергілікті порты өшірілсін бе? (Осы машинаның DNS-і сақталады.)'
            ky="53-портту systemd-resolved кызматы ээлеп турат. Анын жергиликтүү порту өчүрүлсүнбү? (Бул машинанын DNS'и сакталат.)"
            ;;
        'Nothing was changed. Start again with --yes to agree that port 53 is freed.')
            ru='Ничего не изменено. Чтобы согласиться освободить порт 53, запустите снова с --yes.'
            kk='Ештеңе өзгерген жоқ. 53-портты босатуға келіссеңіз, --yes қосып қайта іске қосыңыз.'
            ky='Эч нерсе өзгөргөн жок. 53-портту бошотууга макул болсоңуз, --yes менен кайра баштаңыз.'
            ;;
        'Port 53 is taken by another program: %s. Nothing was changed. Next step: stop that program (sudo systemctl disable --now %s), then start again.')
            ru='Порт 53 занят другой программой: %s. Ничего не изменено. Остановите её (sudo systemctl disable --now %s) и начните снова.'
            kk='53-портты басқа бағдарлама алып тұр: %s. Ештеңе өзгерген жоқ. Оны тоқтатып (sudo systemctl disable --now %s), қайта бастаңыз.'
            ky='53-портту башка программа ээлеп турат: %s. Эч нерсе өзгөргөн жок. Аны токтотуп (sudo systemctl disable --now %s), кайра баштаңыз.'
            ;;
        'building the new version') ru='сборка новой версии' kk='жаңа нұсқаны құру' ky='жаңы версияны куруу' ;;
        'user and folders') ru='пользователь и папки' kk='пайдаланушы мен қалталар' ky='колдонуучу жана папкалар' ;;
        'settings, policy and starter lists')
            ru='настройки, правила и начальные списки'
            kk='баптаулар, ережелер және бастапқы тізімдер'
            ky='жөндөөлөр, эрежелер жана баштапкы тизмелер'
            ;;
        'port 53') ru='порт 53' kk='53-порт' ky='53-порт' ;;
        'starting') ru='запуск' kk='іске қосу' ky='иштетүү' ;;
        'It failed at: %s. What was changed is being put back.')
            ru='Ошибка на шаге: %s. Всё изменённое возвращается, как было.'
            kk='Қате шыққан қадам: %s. Өзгертілгеннің бәрі бұрынғы қалпына келтіріледі.'
            ky='Ката кеткен кадам: %s. Өзгөртүлгөндүн баары мурунку абалына кайтарылат.'
            ;;
        'The version before this one is in use again; no data was lost.')
            ru='Снова используется прежняя версия; данные целы.'
            kk='Бұрынғы нұсқа қайта қолданыста; деректер сақталды.'
            ky='Мурунку версия кайра колдонулууда; маалыматтар сакталды.'
            ;;
        'No trace is left. Correct what the lines above say and start again.')
            ru='Следов не осталось. Исправьте то, о чём сказано выше, и начните снова.'
            kk='Ешқандай із қалған жоқ. Жоғарыда айтылғанды түзетіп, қайта бастаңыз.'
            ky='Эч кандай из калган жок. Жогоруда айтылганды оңдоп, кайра баштаңыз.'
            ;;
        'This machine has no systemd: start the filter by hand, at each boot too:  sudo schoolfilter run')
            ru='На этой машине нет systemd: запускайте фильтр сами, и после каждого включения:  sudo schoolfilter run'
            kk='Бұл машинада systemd жоқ: сүзгіні өзіңіз іске қосыңыз, әр қосылғаннан кейін де:  sudo schoolfilter run'
            ky='Бул машинада systemd жок: чыпканы өзүңүз иштетиңиз, ар күйгүзгөндөн кийин да:  sudo schoolfilter run'
            ;;
        'Installed. Two things are left to do:')
            ru='Установлено. Осталось два дела:'
            kk='Орнатылды. Екі іс қалды:'
            ky='Орнотулду. Эки иш калды:'
            ;;
        " 1. Write the school's name into %s")
            ru=' 1. Впишите название школы в файл %s'
            kk=' 1. Мектептің атауын мына файлға жазыңыз: %s'
            ky=' 1. Мектептин атын бул файлга жазыңыз: %s'
            ;;
        ' 2. In the router: give this machine a fixed address and name it as the ONLY DNS server of DHCP: %s')
            ru=' 2. В роутере: закрепите за этой машиной адрес и укажите его ЕДИНСТВЕННЫМ сервером DNS в DHCP: %s'
            kk=' 2. Роутерде: осы машинаға тұрақты мекенжай беріп, оны DHCP-дегі ЖАЛҒЫЗ DNS сервері етіп көрсетіңіз: %s'
            ky=" 2. Роутерде: бул машинага туруктуу дарек берип, аны DHCP'деги ЖАЛГЫЗ DNS сервери кылып көрсөтүңүз: %s"
            ;;
        'How, for each kind of router: docs/router-dhcp.md')
            ru='Как это сделать на разных роутерах: docs/router-dhcp.md; коротко: docs/ru/README.md'
            kk='Әр түрлі роутерде қалай: docs/router-dhcp.md; қысқаша: docs/kk/README.md'
            ky='Ар кандай роутерде кантип: docs/router-dhcp.md; кыскача: docs/ky/README.md'
            ;;
        "Take schoolfilter away? First put the router's DNS back: devices that still ask this machine will have no internet.")
            ru='Удалить schoolfilter? Сначала верните прежний DNS в роутере: иначе устройства останутся без интернета.'
            kk='schoolfilter жойылсын ба? Алдымен роутердегі DNS-ті қайтарыңыз: әйтпесе құрылғылар интернетсіз қалады.'
            ky="schoolfilter өчүрүлсүнбү? Адегенде роутердеги DNS'ти кайтарыңыз: болбосо түзмөктөр интернетсиз калат."
            ;;
        'Nothing was changed.') ru='Ничего не изменено.' kk='Ештеңе өзгерген жоқ.' ky='Эч нерсе өзгөргөн жок.' ;;
        'Everything was taken away.') ru='Удалено всё.' kk='Бәрі жойылды.' ky='Баары өчүрүлдү.' ;;
        'Taken away. Kept: %s and %s (settings, policy, lists, query log).')
            ru='Удалено. Сохранены: %s и %s (настройки, правила, списки, журнал запросов).'
            kk='Жойылды. Сақталды: %s және %s (баптаулар, ережелер, тізімдер, сұраулар журналы).'
            ky='Өчүрүлдү. Сакталды: %s жана %s (жөндөөлөр, эрежелер, тизмелер, суроолор журналы).'
            ;;
        *) ru=$2 kk=$2 ky=$2 ;;
    esac
    case "$1" in ru) echo "$ru" ;; kk) echo "$kk" ;; ky) echo "$ky" ;; *) echo "$2" ;; esac
}
