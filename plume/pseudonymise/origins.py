"""First names and surnames by the origin of the name, written down for this project: to learn from, and to test with.

INSEE's lists hold names of every origin, but few of each; a recogniser that learnt from them alone would serve some
people worse than others. `sentences.half` says which of them are learnt and which only tested. "_" stands for a blank.
"""

ORIGINS = {
    "maghrébine": (
        "Yacine Nawel Abdelkader Fatiha Mourad Soraya Hicham Zohra Tarek Lamia Djamel Khadija Rachid Samira Toufik Nassima"
        " Abdelhak Hayat Redouane Malika Brahim Ouarda Mustapha Houria Lyès Naïma Kheireddine Zoubida Sofiane Ghania Anouar"
        " Hafida Noureddine Fadila Mokhtar Aïcha Bachir Saliha Larbi Yamina Hocine Dalila Azzedine Rkia Lahcen Touria",
        "Benhamou Bouzidi Cherkaoui Haddouche Mansouri Belkacem Ouahabi Zerrouki Slimani Tahraoui Guendouz Ferhat Benali"
        " Boukhari Chaouch Amrani Lahlou Bennani Hamidi Meziane Khelifi Yahiaoui Bouaziz Taleb Idrissi Ziani Boudjemaa"
        " Cherif Mokrani Aouadi Benchaabane Trabelsi Jaziri Gharbi Zouari Mahfoudhi Ouali Rahmouni Sebti Tazi Aït-Ali",
    ),
    "turque": (
        "Emre Ayşe Mehmet Zeynep Hakan Elif Serkan Gülsen Osman Derya Burak Nazlı Murat Fatma Yusuf Emine Hüseyin Hatice"
        " Kemal Sevgi Orhan Meryem Onur Tuğba Cengiz Özlem Volkan Pınar Erhan Songül Tolga Filiz Ufuk Aysel Bülent Dilek"
        " İbrahim Esra Ercan Gülay Selçuk Nurhan Tayfun Sibel",
        "Yılmaz Demirtaş Kaya Öztürk Çelik Arslan Doğan Koçak Şahin Aydın Kılıç Erdoğdu Yıldız Özdemir Polat Aslan Çetin"
        " Korkmaz Güneş Bulut Tekin Aksoy Karaca Turan Uysal Bozkurt Gündüz Yavuz Karadağ Sönmez Toprak Ateş Keskin Akgül"
        " Işık Duman Ünal Güler Erdem Kurt Avcı Şimşek",
    ),
    "d'Afrique subsaharienne": (
        "Mamadou Aminata Ousmane Fatoumata Kouadio Adjoua Cheikh Ndeye Oumar Bintou Koffi Awa Ibrahima Mariama Seydou Kadiatou"
        " Boubacar Aïssatou Modibo Djeneba Amadou Rokhaya Lamine Coumba Yao Akissi Kwame Abena Chukwuemeka Ngozi Adebayo"
        " Chinedu Olumide Blessing Tshilombo Mbuyi Makosso Bienvenu Dieudonné Espérance Fidèle Gloria Rivo Haingo Tahina",
        "Traoré Diallo Ouédraogo Coulibaly Ndiaye Koné Mbappé Sissoko Nguema Kouassi Diabaté Tchoumi Keïta Camara Cissé Diop"
        " Fofana Sow Bah Sylla Touré Dembélé Kaboré Sawadogo Konaté Bamba Yeboah Mensah Okafor Adeyemi Eze Mbemba Kabongo"
        " Tshibangu Ilunga Mukendi Moukoko Essomba Ngono Atangana Rakotomalala Randrianasolo Razafindrakoto",
    ),
    "d'Asie": (
        "Thi Minh Xuan Linh Wei Jing Phuong Quoc Anh Mei Sokha Bopha Huong Thanh Duc Hoa Lan Tuan Bao Ngoc Trang Dung Hieu"
        " Khanh Lien Xiaoming Yan Hui Jun Lihua Feng Ping Fang Ravindra Lakshmi Suresh Priya Arjun Kavitha Vannak Sophea"
        " Phimmasone Bounmy Nirmala Thuy",
        "Nguyen Tran Pham Huynh Zhang Chen Wang Vuong Sokhom Dang Truong Liu Hoang Vo Bui Duong Phan Ly Dinh Trinh Zhou Wu"
        " Huang Zhao Xu Lin Zheng Patel Sivakumar Rajaratnam Kandiah Balasubramaniam Sharma Khan Chowdhury Singh Kaur Keo"
        " Chhim Sengsouvanh Vang Xiong Yang Thammavong",
    ),
    "ibérique": (
        "João Inês Joaquim Conceição Álvaro Pilar Paulo Rosario Manuela Duarte Iker Ximena Fernanda Armando Lurdes Agostinho"
        " Belmiro Deolinda Rui Graça Nuno Filipa Tiago Catarina Rodrigo Consuelo Jesús Mercedes Ramón Dolores Joaquín"
        " Encarnación Ignacio Esperanza Gonzalo Remedios Vasco Teresa Adelino Fátima Salvador Amparo Emilio",
        "Ferreira Carvalho Gonçalves Oliveira Rodríguez Fernández Teixeira Pereira Vázquez Etxeberria Nogueira Silva Santos"
        " Rodrigues Martins Lopes Marques Almeida Ribeiro Pinto Moreira Cardoso Fonseca Machado Barbosa Figueiredo García"
        " González Sánchez Jiménez Moreno Romero Navarro Domínguez Ortega Castillo Herrera Delgado Iglesias Peña Quintana",
    ),
    "slave": (
        "Oleksandr Iryna Dmitri Svetlana Tomasz Agnieszka Bogdan Milica Piotr Ludmila Zoran Katarzyna Andrij Oksana Sergueï"
        " Tatiana Wojciech Małgorzata Dragan Jelena Vladislav Nadezhda Krzysztof Ewa Stanislav Olena Mykola Halyna Miroslav"
        " Bożena Igor Ivana Jaroslav Danuta Goran Snežana Pavel Zdenka Taras Yuliya Grzegorz Beata Radoslav",
        "Kowalczyk Shevchenko Ivanova Nowak Petrović Wiśniewski Kuznetsov Dvořák Bondarenko Jovanović Zieliński Popescu Kovač"
        " Szymański Lewandowski Wójcik Kamiński Tkachenko Kravchenko Melnyk Sokolov Volkov Morozov Nikolić Marković Đorđević"
        " Stojanović Novotný Svoboda Horák Dimitrov Georgiev Todorov Ionescu Popa Kozłowski Jankowski Boyko Lysenko Savchuk",
    ),
    "bretonne, basque et corse": (
        "Gwenaël Enora Yannick Maïwenn Erwan Soazig Ronan Nolwenn Beñat Maialen Peio Itziar Goulven Rozenn Tugdual Gwenola"
        " Corentin Annaïg Malo Bleuenn Ewen Sterenn Kaourintin Nolwen Xabi Amaia Ximun Argitxu Bixente Elorri Ghjuvan Lisandru"
        " Vannina Maddalena Petru Saveria Anghjulu Letizia Padrig Aziliz Riwal Youenn",
        "Kervella Tanguy Quéméneur Guivarc'h Etcheverry Irigoyen Kerneis Salaün Harispe Le_Goff Le_Bras Le_Dantec Kerleroux"
        " Abgrall Guéguen Le_Moigne Tallec Cariou Rivoal Le_Gall Jaouen Morvan Kermarrec L'Hostis Le_Guen Bihannic Etchegaray"
        " Bidegain Iribarne Mendiboure Goyhenetche Larralde Colonna Santoni Leccia Mattei Casanova Pieri Luciani Paoli"
        " Cesari Orsoni",
    ),
    "des Antilles et de La Réunion": (
        "Gladys Jocelyn Marie-Aimée Rosalie Ludovic Josette Fabrice Ghislaine Éliane Jean-Robert Murielle Aristide Rosemonde"
        " Alcide Fédora Gaëtan Mirella Léopold Viviane Hilaire Sidonie Marie-Lourdes Roland Nadège Max-Henri Ketty Steeve"
        " Maryvonne Ti-Jean Huguette Expédit Marie-Claire Judex Océanie Jean-Hugues Franciane Thémistocle Solange Willy",
        "Célestine Marie-Joseph Alcindor Sainte-Rose Nestoret Bellerose Zobda Cadasse Louisy Montabord Jean-Baptiste Lurel"
        " Césaire Placide Marie-Sainte Glissant Lamartine Nilor Belrose Désirée Monrose Zéphir Télémaque Cornélie Hoarau Payet"
        " Grondin Techer Boyer Fontaine Maillot Dijoux Sinapayel Vitry Rangassamy Moutoussamy Virapin Ramassamy Narcisse",
    ),
}
